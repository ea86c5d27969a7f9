/** As engines write times: UTC, with or without fractions and a `Z`. */
const UTC = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z?$/;

/**
 * Whether a time of the engine's is one of these milliseconds or a later one; undefined for a text that is no time in UTC.
 * Texts of this form are in the order of their times, so that none has to be read.
 */
export function isSince(text: string, epochMs: number): boolean | undefined {
  const [, seconds, fraction = ""] = UTC.exec(text) ?? [];
  if (seconds === undefined) return undefined;
  return `${seconds}${(fraction + ".000".slice(fraction.length)).slice(0, 4)}Z` >= new Date(epochMs).toISOString();
}
