/** Instants as people read them: one formatter for the whole page, in the viewer's zone or in UTC. */
export type Zone = "local" | "utc";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: Zone, options: Intl.DateTimeFormatOptions, name: string): Intl.DateTimeFormat {
  const key = `${zone} ${name}`;
  let made = formats.get(key);
  if (made === undefined) {
    // en-GB has 24 hours and is the same on every machine; sv-SE writes dates as ISO 8601 does.
    made = new Intl.DateTimeFormat("sv-SE", {
      ...options,
      hourCycle: "h23",
      ...(zone === "utc" && { timeZone: "UTC" }),
    });
    formats.set(key, made);
  }
  return made;
}

const DATE: Intl.DateTimeFormatOptions = { year: "numeric", month: "2-digit", day: "2-digit" };
const CLOCK: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit" };

function dateOf(ms: number, zone: Zone): string {
  return format(zone, DATE, "date").format(ms);
}

/** `12:04:31`. */
export function clock(ms: number, zone: Zone): string {
  return format(zone, CLOCK, "clock").format(ms);
}

/** `12:04:31.250`, for what lies within seconds. */
export function fineClock(ms: number, zone: Zone): string {
  return `${clock(ms, zone)}.${fractionOf(ms)}`;
}

function fractionOf(ms: number): string {
  return String(((Math.floor(ms) % 1000) + 1000) % 1000).padStart(3, "0");
}

/** `12:04:31`, or with the date where that is another day than `now`: `2026-11-27 12:04:31`. */
export function moment(ms: number, zone: Zone, now: number): string {
  const date = dateOf(ms, zone);
  return date === dateOf(now, zone) ? clock(ms, zone) : `${date} ${clock(ms, zone)}`;
}

function two(amount: number): string {
  return String(amount).padStart(2, "0");
}

/** What the zone is at an instant: `UTC`, `UTC+02:00`, `UTC+05:45`. */
export function offset(ms: number, zone: Zone): string {
  if (zone === "utc") return "UTC";
  const minutes = -new Date(ms).getTimezoneOffset();
  if (minutes === 0) return "UTC";
  const away = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(away / 60))}:${two(away % 60)}`;
}

/** The instant in full, for a title: `2026-11-27 12:04:31.250 UTC+01:00 (2026-11-27T11:04:31.250Z)`. */
export function exactly(ms: number, zone: Zone): string {
  return `${dateOf(ms, zone)} ${fineClock(ms, zone)} ${offset(ms, zone)} (${new Date(ms).toISOString()})`;
}

/** Milliseconds of an instant as the engine writes them; undefined for what is none. */
export function readInstant(text: string | null | undefined): number | undefined {
  if (text == null || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
