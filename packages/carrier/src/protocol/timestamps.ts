/** With the fraction's digits and the zone, which may be missing, as groups. */
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?(Z|[+-]\d\d:\d\d|)$/i;
const DAYS_OF_400_YEARS = 146_097;

/**
 * Milliseconds since the epoch of an RFC 3339 timestamp, or undefined when the text is none. Strict, where the platform's
 * own `Date.parse` is lenient, differs between engines, and takes `2026-04-22T01:10:00` for local time.
 *
 * Takes any number of fraction digits (what is finer than a millisecond is cut off), `T` and `Z` in either case, offsets
 * up to 23:59, and `:60` as the last second of a UTC day, where leap seconds are. A timestamp without zone is UTC, as the
 * engine writes it.
 */
export function parseTimestamp(text: string): number | undefined {
  const match = RFC3339.exec(text);
  const zone = match?.[2];
  if (zone === undefined) return undefined;
  const month = twoDigits(text, 5) - 1;
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  // Date.UTC takes years below 100 for those of the twentieth century; 400 years are a whole number of days.
  const midnight =
    Date.UTC(twoDigits(text, 0) * 100 + twoDigits(text, 2) + 400, month, day) - DAYS_OF_400_YEARS * 86_400_000;
  // A day that the month does not have has become one of the next month.
  if (day < 1 || new Date(midnight).getUTCMonth() !== month || hour > 23 || minute > 59 || second > 60)
    return undefined;
  const hasOffset = zone.length === 6;
  const offsetHour = hasOffset ? twoDigits(zone, 1) : 0;
  const offsetMinute = hasOffset ? twoDigits(zone, 4) : 0;
  if (offsetHour > 23 || offsetMinute > 59) return undefined;
  const offset = (offsetHour * 60 + offsetMinute) * (zone[0] === "-" ? -1 : 1);
  const minuteOfDay = hour * 60 + minute - offset;
  if (second === 60 && (minuteOfDay + 1440) % 1440 !== 1439) return undefined;
  const millisecond = Number((match?.[1] ?? "").slice(0, 3).padEnd(3, "0"));
  return midnight + minuteOfDay * 60_000 + second * 1000 + millisecond;
}

function twoDigits(text: string, at: number): number {
  return text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 528;
}

/** RFC 3339 in UTC with milliseconds, as in `2026-04-22T01:10:00.000Z`. */
export function formatTimestamp(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
