import type { JSX } from "preact";
import type { Series } from "../../api/index.js";
import { Plot } from "../parts/plot.js";
import { count, duration } from "../text/amounts.js";
import { readInstant } from "../text/instants.js";

function sum(values: readonly number[]): string {
  return count(values.reduce((total, value) => total + value, 0));
}

function last(values: readonly (number | null)[]): string {
  const value = values.findLast((one) => one !== null);
  return value == null ? "–" : duration(value * 1000);
}

/** What happened lately: throughput, failures, latency. */
export function SeriesPlots({ series }: { series: Series }): JSX.Element {
  const from = readInstant(series.from) ?? 0;
  const common = {
    from,
    stepMs: series.stepSeconds * 1000,
    knownSince: readInstant(series.knownSince) ?? from,
  };
  const minutes = Math.round((series.started.length * series.stepSeconds) / 60);
  const seconds = (value: number): string => duration(value * 1000);
  return (
    <section aria-labelledby="lately">
      <h2 id="lately">Last {minutes} minutes</h2>
      <div class="plots">
        <Plot
          title="started"
          total={sum(series.started)}
          lines={[{ name: "started", values: series.started, family: "active" }]}
          {...common}
        />
        <Plot
          title="succeeded"
          total={sum(series.succeeded)}
          lines={[{ name: "succeeded", values: series.succeeded, family: "good" }]}
          {...common}
        />
        <Plot
          title="failed"
          total={sum(series.failed)}
          lines={[{ name: "failed", values: series.failed, family: "bad" }]}
          {...common}
        />
        <Plot
          title="retried"
          total={sum(series.retried)}
          lines={[{ name: "retried", values: series.retried, family: "trouble" }]}
          {...common}
        />
        <Plot
          title="run time"
          total={`95 % below ${last(series.runSecondsP95)}`}
          write={seconds}
          lines={[
            { name: "95 % below", values: series.runSecondsP95, family: "idle" },
            { name: "half below", values: series.runSecondsP50, family: "active" },
          ]}
          {...common}
        />
        <Plot
          title="wait for a worker"
          total={`95 % below ${last(series.waitSecondsP95)}`}
          write={seconds}
          lines={[
            { name: "95 % below", values: series.waitSecondsP95, family: "idle" },
            { name: "half below", values: series.waitSecondsP50, family: "active" },
          ]}
          {...common}
        />
      </div>
    </section>
  );
}
