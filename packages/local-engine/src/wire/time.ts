import type { Micros } from "../engine/model.js";

/** The second that was written last: an answer tells of several instants, most of them in the same one. */
let lastSecond = Number.NaN;
let lastText = "";

function textOfSecond(second: number): string {
  if (second !== lastSecond) {
    lastText = new Date(second * 1000).toISOString().slice(0, -5);
    lastSecond = second;
  }
  return lastText;
}

/** RFC 3339 in UTC with microseconds, as in `2026-04-22T01:10:00.000000Z`. */
export function timestamp(at: Micros): string {
  const second = Math.floor(at / 1_000_000);
  return `${textOfSecond(second)}.${String(at - second * 1_000_000).padStart(6, "0")}Z`;
}

export function timestampOrNull(at: Micros | null): string | null {
  return at === null ? null : timestamp(at);
}

/** Whole seconds with an offset, as the engine writes some. */
export function secondsTimestamp(at: Micros): string {
  return `${textOfSecond(Math.floor(at / 1_000_000))}+00:00`;
}
