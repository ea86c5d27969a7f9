import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Json } from "@durable-workflow/test-support/engine-client";

/** Requests and answers recorded on a running engine, in a folder beside the repository. */
const FOLDER = new URL("../../../../../shared/contract/worker-protocol/", import.meta.url);

export const hasRecordings = existsSync(FOLDER);

export interface Recording {
  readonly number: number;
  readonly name: string;
  /** Of the engine of April 2026; else that of August. */
  readonly isApril: boolean;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Json;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Json;
  };
}

export function readRecordings(): readonly Recording[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".json"))
    .map((file) => {
      const { server, request, response } = JSON.parse(readFileSync(new URL(file, FOLDER), "utf8"));
      const number = Number.parseInt(file, 10);
      return { number, name: file.slice(0, -5), isApril: server === "april-2026", request, response };
    })
    .toSorted((one, other) => one.number - other.number);
}

/** The body as it was sent: text as it is, long repeats written out. */
export function sentBody(body: Json): string | undefined {
  if (body === null || body === undefined) return undefined;
  if (typeof body.$raw === "string") return body.$raw;
  return JSON.stringify(body, (_, value: unknown) => {
    const [, count, what] = (typeof value === "string" && /^\$(\d+) times "(.)"$/.exec(value)) || [];
    return what === undefined ? value : what.repeat(Number(count));
  });
}
