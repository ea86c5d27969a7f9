import { LONGEST_NAME } from "@durable-workflow/engine-protocol";
import { type PayloadSlot, STATUS_WORDS, type StatusWord } from "../api/index.js";
import type { Filter } from "../engine/source.js";
import { Problem } from "../problem.js";
import { microsOf } from "../time.js";

const MOST_VALUES = 50;
const SLOTS: readonly string[] = ["input", "result", "details", "attempt_details"] satisfies readonly PayloadSlot[];

/** The query of one request. Parameters that a route does not know are refused: a filter that is not obeyed would mislead. */
export class Query {
  private readonly given: URLSearchParams;

  constructor(given: URLSearchParams, known: readonly string[]) {
    this.given = given;
    for (const name of given.keys()) {
      if (!known.includes(name)) throw wrong(name, `${name.slice(0, 50)} is no parameter of this route`);
      if (given.getAll(name).length > 1) throw wrong(name, `${name} is given more than once`);
    }
  }

  text(name: string, most: number = LONGEST_NAME): string | undefined {
    const value = this.given.get(name) ?? "";
    if (value.length > most) throw wrong(name, `${name} must have at most ${most} characters`);
    return value === "" ? undefined : value;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw wrong(name, `${name} must be given`);
    return value;
  }

  whole(name: string, { least, most }: { readonly least: number; readonly most: number }): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most))
      throw wrong(name, `${name} must be a whole number from ${least} to ${most}`);
    return value;
  }

  instant(name: string): string | undefined {
    const text = this.text(name, 40);
    if (text === undefined) return undefined;
    if (
      !/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/.test(text) ||
      microsOf(text) === undefined
    ) {
      throw wrong(name, `${name} must be an RFC 3339 instant, such as 2026-04-22T01:10:00Z`);
    }
    return text;
  }

  /** Separated by commas; a value with a comma in it has it percent-encoded once more. */
  list(name: string): readonly string[] {
    const text = this.text(name, 8_000);
    const values = text === undefined ? [] : text.split(",").map(decoded);
    if (values.length > MOST_VALUES) throw wrong(name, `${name} must have at most ${MOST_VALUES} values`);
    return values;
  }

  slot(): PayloadSlot {
    const slot = this.required("slot");
    if (!SLOTS.includes(slot)) throw wrong("slot", `slot must be one of ${SLOTS.join(", ")}`);
    return slot as PayloadSlot;
  }
}

export const FILTER_NAMES = ["status", "type", "queue", "id", "since", "until"];

export function readFilter(query: Query): Filter {
  const status = query.list("status");
  const unknown = status.find((word) => !STATUS_WORDS.includes(word as StatusWord));
  if (unknown !== undefined) throw wrong("status", `status must be of ${STATUS_WORDS.join(", ")}`);
  return {
    status: status as readonly StatusWord[],
    types: query.list("type"),
    queues: query.list("queue"),
    idPart: query.text("id"),
    since: query.instant("since"),
    until: query.instant("until"),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function wrong(field: string, message: string): Problem {
  return new Problem("bad_request", message, { field: field.slice(0, 50) });
}
