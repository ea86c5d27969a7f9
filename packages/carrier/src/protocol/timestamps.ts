const RFC3339 =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?$/i;

/**
 * Milliseconds since the epoch of an RFC 3339 timestamp, or undefined when the text is none. Strict, where the platform's
 * own `Date.parse` is lenient, differs between engines, and takes `2026-04-22T01:10:00` for local time.
 *
 * Takes any number of fraction digits (what is finer than a millisecond is cut off), `T` and `Z` in either case, offsets
 * up to 23:59, and `:60` as the last second of a UTC day, where leap seconds are. A timestamp without zone is UTC, as the
 * engine writes it.
 */
export function parseTimestamp(text: string): number | undefined {
  if (!RFC3339.test(text)) return undefined;
  const month = twoDigits(text, 5) - 1;
  const day = new Date(0);
  // Date.UTC takes years below 100 for those of the twentieth century.
  const midnight = day.setUTCFullYear(twoDigits(text, 0) * 100 + twoDigits(text, 2), month, twoDigits(text, 8));
  // "+hh:mm", unless the text ends in another way.
  const zoneAt = text.length - 6;
  const offset = text[zoneAt + 3] === ":" && zoneAt > 18 ? minutes(text, zoneAt + 1) : 0;
  const minuteOfDay = minutes(text, 11) - (text[zoneAt] === "-" ? -offset : offset);
  const second = twoDigits(text, 17);
  // A day that the month does not have has become one of the next month.
  if (day.getUTCMonth() !== month || (second > 59 && (minuteOfDay + 1440) % 1440 !== 1439)) {
    return undefined;
  }
  // Of three digits at most, so that rounding only mends what binary fractions cannot hold; what follows them is passed over.
  const millisecond = text[19] === "." ? Math.round(Number.parseFloat(text.slice(19, 23)) * 1000) : 0;
  return midnight + minuteOfDay * 60_000 + second * 1000 + millisecond;
}

/** Of "hh:mm". */
function minutes(text: string, at: number): number {
  return twoDigits(text, at) * 60 + twoDigits(text, at + 3);
}

function twoDigits(text: string, at: number): number {
  return text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 528;
}
