import type { ListedActivity } from "@durable-workflow/client/tools";
import { CliError, EXIT } from "../shell/command.js";

/** What a query looks at: of a listed activity, or of an event. */
export interface Queried {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly status: string;
  readonly key: string | null;
  readonly startedAt: string | null;
}

export type Query = (one: Queried) => boolean;

const FIELDS = ["id", "type", "queue", "status", "key"] as const;
type Field = (typeof FIELDS)[number];
const AGES = ["older", "newer"] as const;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const NOTATION = `A query is words such as type=billing.* queue!=test older=10m, of ${[...FIELDS, ...AGES].join(", ")}; all must hold.`;

export const QUERY_OPTION = {
  query: { type: "string", value: "QUERY", help: "only those for which it holds, as in 'type=billing.* older=10m'" },
} as const;

/**
 * Reads a query: words of the form `name=value` or `name!=value`, all of which must hold. In a value `*` stands for any text;
 * `older=10m` and `newer=2h` compare with the time of the start.
 *
 * @param now in milliseconds since 1970
 * @throws {CliError} naming the word that cannot be read
 */
export function parseQuery(text: string, now: number): Query {
  const words = text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) throw new CliError(EXIT.usage, "--query must not be empty", NOTATION);
  const terms = words.map((word) => termOf(word, now));
  return (one) => terms.every((term) => term(one));
}

export function queriedOf(one: ListedActivity): Queried {
  return {
    id: one.activity_id,
    type: one.activity_type,
    queue: one.task_queue,
    status: one.status,
    key: one.business_key,
    startedAt: one.started_at,
  };
}

function termOf(word: string, now: number): Query {
  const [, name = "", operator = "", value = ""] = /^([a-z]+)(!?=)(.+)$/.exec(word) ?? [];
  if (AGES.some((age) => age === name) && operator === "=") return ageTerm(name === "older", value, word, now);
  const field = FIELDS.find((known): known is Field => known === name);
  if (field === undefined) throw new CliError(EXIT.usage, `--query has the word ${word}, which says nothing`, NOTATION);
  const pattern = patternOf(value);
  return (one) => pattern.test(one[field] ?? "") === (operator === "=");
}

function ageTerm(isOlder: boolean, value: string, word: string, now: number): Query {
  const [, count = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(value) ?? [];
  const ms = UNITS[unit];
  if (ms === undefined)
    throw new CliError(EXIT.usage, `--query has ${word}: an age is a number with s, m, h or d`, NOTATION);
  const limit = now - Number(count) * ms;
  return ({ startedAt }) => startedAt !== null && Date.parse(startedAt) < limit === isOlder;
}

function patternOf(value: string): RegExp {
  const parts = value.split("*").map((part) => part.replaceAll(/[$()+.?[\\\]^{|}]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}
