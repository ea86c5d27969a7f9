/** Milliseconds since the epoch that no step of the clock changes: `Date` is stepped in the parts. */
export function realNow(): number {
  return performance.timeOrigin + performance.now();
}
