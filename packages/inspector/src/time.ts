/** Microseconds since the epoch of an engine's instant; undefined for what is none. */
export function microsOf(instant: string | null | undefined): number | undefined {
  if (instant === null || instant === undefined) return undefined;
  const ms = Date.parse(instant);
  if (Number.isNaN(ms)) return undefined;
  const digits = /\.(\d{3})(\d{1,3})/.exec(instant)?.[2] ?? "";
  return Math.floor(ms) * 1000 + Number(digits.padEnd(3, "0"));
}

/** Seconds from one instant to another; undefined where one of them is none. */
export function secondsBetween(from: string | null | undefined, to: string | null | undefined): number | undefined {
  const [start, end] = [microsOf(from), microsOf(to)];
  return start === undefined || end === undefined ? undefined : (end - start) / 1_000_000;
}

/** The earlier of instants that are there. */
export function earliest(...instants: readonly (string | null | undefined)[]): string | undefined {
  let first: string | undefined;
  for (const instant of instants) {
    const at = microsOf(instant);
    if (at !== undefined && (first === undefined || at < (microsOf(first) ?? 0))) first = instant ?? undefined;
  }
  return first;
}

/** `3s`, `4m02s`, `2h05m`, `3d04h`. */
export function shortDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
  return `${Math.floor(whole / 86_400)}d${two(Math.floor((whole % 86_400) / 3600))}h`;
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}
