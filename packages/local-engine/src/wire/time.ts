import type { Micros } from "../engine/model.js";

/** RFC 3339 in UTC with microseconds, as in `2026-04-22T01:10:00.000000Z`. */
export function timestamp(at: Micros): string {
  const ms = Math.floor(at / 1000);
  return `${new Date(ms).toISOString().slice(0, 23)}${String(at - ms * 1000).padStart(3, "0")}Z`;
}

export function timestampOrNull(at: Micros | null): string | null {
  return at === null ? null : timestamp(at);
}

/** Whole seconds with an offset, as the engine writes some. */
export function secondsTimestamp(at: Micros): string {
  return `${new Date(Math.floor(at / 1000)).toISOString().slice(0, 19)}+00:00`;
}
