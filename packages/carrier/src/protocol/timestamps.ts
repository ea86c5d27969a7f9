/**
 * RFC 3339 timestamps, read strictly. The platform's own `Date.parse` is lenient, differs between engines, and takes
 * `2026-04-22T01:10:00` for local time.
 */

const ZERO = 48;
const MS_PER_DAY = 86_400_000;
const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334] as const;
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/**
 * Milliseconds since the epoch of an RFC 3339 timestamp, or undefined when the text is none.
 *
 * Takes any number of fraction digits (what is finer than a millisecond is cut off), `T` and `Z` in either case, offsets
 * up to 23:59, and `:60` only as the last second of a UTC day. A timestamp without zone is UTC, as the engine writes it.
 */
export function parseTimestamp(text: string): number | undefined {
  const length = text.length;
  if (length < 19) return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  if ((year | month | day | hour | minute | second) < 0) return undefined;
  if (text[4] !== "-" || text[7] !== "-" || text[13] !== ":" || text[16] !== ":") return undefined;
  if (text[10] !== "T" && text[10] !== "t") return undefined;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 60) return undefined;

  let position = 19;
  let millisecond = 0;
  if (text[position] === ".") {
    const start = ++position;
    let scale = 100;
    while (position < length && isDigit(text.charCodeAt(position))) {
      millisecond += (text.charCodeAt(position) - ZERO) * scale;
      scale = scale === 100 ? 10 : scale === 10 ? 1 : 0;
      position++;
    }
    if (position === start) return undefined;
  }
  const offsetMinutes = readOffset(text, position);
  if (offsetMinutes === undefined) return undefined;

  const minuteOfDay = hour * 60 + minute - offsetMinutes;
  // A leap second is the last of a UTC day.
  if (second === 60 && (minuteOfDay + 2880) % 1440 !== 1439) return undefined;
  return daysSinceEpoch(year, month, day) * MS_PER_DAY + minuteOfDay * 60_000 + second * 1000 + millisecond;
}

/** Minutes east of UTC of the zone that starts at `position` and ends the text; a missing zone is UTC. */
function readOffset(text: string, position: number): number | undefined {
  const length = text.length;
  if (position === length) return 0;
  const sign = text[position];
  if (sign === "Z" || sign === "z") return position + 1 === length ? 0 : undefined;
  if (sign !== "+" && sign !== "-") return undefined;
  if (position + 6 !== length || text[position + 3] !== ":") return undefined;
  const hours = digits(text, position + 1, 2);
  const minutes = digits(text, position + 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (hours * 60 + minutes);
}

/** The number written in `count` digits from `start`; -1 when another character is among them. */
function digits(text: string, start: number, count: number): number {
  let number = 0;
  for (let index = start; index < start + count; index++) {
    const code = text.charCodeAt(index);
    if (!isDigit(code)) return -1;
    number = number * 10 + code - ZERO;
  }
  return number;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= ZERO + 9;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeapYear(year) ? 29 : DAYS_IN_MONTH[month - 1]!;
}

function daysSinceEpoch(year: number, month: number, day: number): number {
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const leapDayThisYear = month > 2 && isLeapYear(year) ? 1 : 0;
  // 719162 days lie between 0001-01-01 and 1970-01-01.
  return before * 365 + leapDays + DAYS_BEFORE_MONTH[month - 1]! + leapDayThisYear + day - 1 - 719_162;
}

/** RFC 3339 in UTC with milliseconds, as in `2026-04-22T01:10:00.000Z`. */
export function formatTimestamp(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
