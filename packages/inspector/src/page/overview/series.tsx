import type { JSX } from "preact";
import type { Series } from "../../api/index.js";
import { serverClock } from "../live/server-clock.js";
import { Plot, type PlotLine } from "../parts/plot.js";
import { count, duration } from "../text/amounts.js";
import { stepsOf } from "./steps.js";

const COUNTS = [
  ["started", "active"],
  ["succeeded", "good"],
  ["failed", "bad"],
  ["retried", "trouble"],
] as const;

const TIMES = [
  ["run time, 95 %", "runSecondsP50", "runSecondsP95"],
  ["wait, 95 %", "waitSecondsP50", "waitSecondsP95"],
] as const;

function seconds(value: number): string {
  return duration(value * 1000);
}

/** What happened lately: throughput, failures, latency. */
export function SeriesPlots({ series }: { series: Series }): JSX.Element {
  const { from, stepMs, knownSince, sums, most } = stepsOf(series, serverClock.now());
  const common = { from, stepMs, knownSince };
  const minutes = Math.round((sums(series.started).length * stepMs) / 60_000);
  return (
    <section aria-labelledby="lately">
      <h2 id="lately">Last {minutes} minutes</h2>
      <div class="plots">
        {COUNTS.map(([name, family]) => {
          const values = sums(series[name]);
          const total = count(values.reduce((sum, value) => sum + value, 0));
          return <Plot key={name} title={name} total={total} lines={[{ name, values, family }]} {...common} />;
        })}
        {TIMES.map(([name, half, almost]) => {
          const slowest = most(series[almost]);
          const lines: readonly PlotLine[] = [
            { name: "95 % below", values: slowest, family: "idle" },
            { name: "half below", values: most(series[half]), family: "active" },
          ];
          const last = slowest.findLast((value) => value !== null);
          return (
            <Plot
              key={name}
              title={name}
              total={last == null ? "–" : seconds(last)}
              write={seconds}
              lines={lines}
              {...common}
            />
          );
        })}
      </div>
    </section>
  );
}
