const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function two(amount: number): string {
  return String(amount).padStart(2, "0");
}

/** A length of time in milliseconds, never below nothing: `0 ms`, `820 ms`, `9.8 s`, `1m 05s`, `3h 20m`, `12d 4h`. */
export function duration(ms: number): string {
  const length = Number.isFinite(ms) ? Math.max(0, ms) : 0;
  if (length < SECOND) return `${Math.floor(length)} ms`;
  if (length < 10 * SECOND) return `${(Math.floor(length / 100) / 10).toFixed(1)} s`;
  if (length < MINUTE) return `${Math.floor(length / SECOND)} s`;
  if (length < HOUR) return `${Math.floor(length / MINUTE)}m ${two(Math.floor((length % MINUTE) / SECOND))}s`;
  if (length < DAY) return `${Math.floor(length / HOUR)}h ${two(Math.floor((length % HOUR) / MINUTE))}m`;
  return `${Math.floor(length / DAY)}d ${Math.floor((length % DAY) / HOUR)}h`;
}

/** The same in whole seconds, for what ticks once a second. */
export function ticking(ms: number): string {
  const length = Math.max(0, ms);
  return length < MINUTE ? `${Math.floor(length / SECOND)} s` : duration(length);
}

/** A number of bytes: `61 B`, `5.1 MB`. */
export function bytes(amount: number): string {
  if (amount < 1000) return `${amount} B`;
  for (const [unit, size] of [
    ["kB", 1e3],
    ["MB", 1e6],
    ["GB", 1e9],
  ] as const) {
    const value = amount / size;
    if (value < 999.5 || unit === "GB") return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
  }
  return `${amount} B`;
}

/** A count with thin spaces between thousands, exact: `9 104`. */
export function count(amount: number): string {
  return String(amount).replaceAll(/\B(?=(?:\d{3})+$)/g, "\u202f");
}

/** `1 attempt`, `2 attempts`. */
export function counted(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}
