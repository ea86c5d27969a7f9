import { type ActivityRow, type ListQuery, STATUS_WORDS, type StatusWord } from "../../api/index.js";
import { readInstant } from "../text/instants.js";

/** What the list shows, as it stands in the address: `#/l?status=running,stalled&queue=mail&since=1h`. */
export interface Filter {
  readonly status: readonly StatusWord[];
  readonly type: string;
  readonly queue: string;
  /** A part of the id. */
  readonly id: string;
  /** `1h`: started within that; or an instant. */
  readonly since: string;
  /** An instant; empty: up to now. */
  readonly until: string;
}

export const NO_FILTER: Filter = { status: [], type: "", queue: "", id: "", since: "", until: "" };

/** Spans that are offered, in the order in which they are. */
export const SPANS: readonly (readonly [string, string])[] = [
  ["15m", "last 15 minutes"],
  ["1h", "last hour"],
  ["24h", "last 24 hours"],
  ["7d", "last 7 days"],
];

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

export function readFilter(query: Readonly<Record<string, string>>): Filter {
  const words = (query["status"] ?? "").split(",");
  return {
    status: STATUS_WORDS.filter((word) => words.includes(word)),
    type: query["type"] ?? "",
    queue: query["queue"] ?? "",
    id: query["id"] ?? "",
    since: query["since"] ?? "",
    until: query["until"] ?? "",
  };
}

/** For the address; what is not chosen is left out there. */
export function writeFilter({ status, ...rest }: Filter): Record<string, string> {
  return { status: status.join(","), ...rest };
}

export function isFiltered(filter: Filter): boolean {
  return filter.status.length > 0 || Object.values({ ...filter, status: "" }).some((value) => value !== "");
}

/** An instant of a filter: RFC 3339, what a browser's field for date and time gives, or a span before `now`. */
export function filterInstant(text: string, now: number): number | undefined {
  const span = /^(\d{1,6})([mhd])$/.exec(text);
  if (span !== null) return now - Number(span[1]) * (UNIT_MS[span[2] ?? ""] ?? 0);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?$/.test(text)) {
    const local = Date.parse(text);
    return Number.isNaN(local) ? undefined : local;
  }
  return readInstant(text);
}

/** What is wrong with a filter that somebody typed into the address. */
export function filterProblem(filter: Filter): string | undefined {
  for (const name of ["since", "until"] as const) {
    if (filter[name] !== "" && filterInstant(filter[name], 0) === undefined) {
      return `"${filter[name]}" is neither an instant nor a span such as 15m, 1h or 7d.`;
    }
  }
  return undefined;
}

/** As the API wants it. */
export function listQuery(filter: Filter, now: number): ListQuery {
  const instant = (text: string): string | undefined => {
    const ms = filterInstant(text, now);
    return ms === undefined ? undefined : new Date(ms).toISOString();
  };
  const since = instant(filter.since);
  const until = instant(filter.until);
  return {
    ...(filter.status.length > 0 && { status: filter.status.join(",") }),
    ...(filter.type !== "" && { type: filter.type }),
    ...(filter.queue !== "" && { queue: filter.queue }),
    ...(filter.id !== "" && { id: filter.id }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
}

/** A value as one of a filter: commas separate values, so that one inside a value is percent-encoded once more. */
export function filterValue(value: string): string {
  return value.replaceAll("%", "%25").replaceAll(",", "%2C");
}

function unencoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Values of one filter; an empty filter lets all pass. */
function passes(wanted: string, value: string): boolean {
  return wanted === "" || wanted.split(",").some((part) => unencoded(part) === value);
}

/** Whether a row belongs to what the filter shows, as the engine would say. */
export function matches(filter: Filter, row: ActivityRow, now: number): boolean {
  if (filter.status.length > 0 && !filter.status.includes(row.status)) return false;
  if (!passes(filter.type, row.type) || !passes(filter.queue, row.queue) || !row.id.includes(filter.id)) return false;
  const started = readInstant(row.startedAt) ?? now;
  const since = filterInstant(filter.since, now);
  const until = filterInstant(filter.until, now);
  return (since === undefined || started >= since) && (until === undefined || started < until);
}
