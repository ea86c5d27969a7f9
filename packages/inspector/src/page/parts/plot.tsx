import type { JSX } from "preact";
import { zone } from "../live/preferences.js";
import { useSignal } from "../live/signal.js";
import { count } from "../text/amounts.js";
import { clock } from "../text/instants.js";

/** One series of a plot. */
export interface PlotLine {
  readonly name: string;
  readonly values: readonly (number | null)[];
  readonly family: "idle" | "active" | "trouble" | "good" | "bad";
}

const HEIGHT = 40;

/** A small plot of equal steps, later lines before earlier ones. Says in words what it shows; each step on hover. */
export function Plot({
  title,
  lines,
  from,
  stepMs,
  knownSince,
  write = count,
  total,
}: {
  title: string;
  lines: readonly PlotLine[];
  from: number;
  stepMs: number;
  /** Before this nothing is known: drawn so, and not as nothing. */
  knownSince: number;
  write?: (value: number) => string;
  /** What stands beside the title. */
  total: string;
}): JSX.Element {
  const shownZone = useSignal(zone);
  const steps = Math.max(...lines.map(({ values }) => values.length), 1);
  const most = Math.max(0, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const unknown = Math.min(steps, Math.max(0, Math.floor((knownSince - from) / stepMs)));
  const tell = (step: number): string =>
    `${clock(from + step * stepMs, shownZone)}: ${lines
      .map(({ name, values }) => `${name} ${values[step] == null ? "–" : write(values[step] ?? 0)}`)
      .join(", ")}`;
  const label = `${title}: ${total}; most in a step ${write(most)}; ${steps} steps of ${stepMs / 1000} s from ${clock(from, shownZone)}`;
  return (
    <figure class="plot">
      <figcaption>
        <span>{title}</span>
        <strong class="number">{total}</strong>
      </figcaption>
      <svg
        role="img"
        aria-label={label}
        viewBox={`0 0 ${steps * 4} ${HEIGHT}`}
        preserveAspectRatio="none"
        height={HEIGHT}
      >
        {unknown > 0 && <rect class="unknown" width={unknown * 4} height={HEIGHT} />}
        {lines.map(({ name, values, family }) =>
          values.map((value, step) => {
            if (value === null || value === 0) return null;
            const height = Math.max(2, (value / Math.max(most, 1e-9)) * (HEIGHT - 2));
            return (
              <rect
                key={`${name}${step}`}
                class={family}
                x={step * 4 + 0.5}
                y={HEIGHT - height}
                width={3}
                height={height}
              />
            );
          }),
        )}
        {Array.from({ length: steps }, (_, step) => (
          <rect key={step} class="hit" x={step * 4} width={4} height={HEIGHT}>
            <title>{step < unknown ? "not recorded" : tell(step)}</title>
          </rect>
        ))}
      </svg>
      <span class="plot-ends muted" aria-hidden="true">
        <span>{clock(from, shownZone)}</span>
        <span>most {write(most)}</span>
        <span>now</span>
      </span>
    </figure>
  );
}
