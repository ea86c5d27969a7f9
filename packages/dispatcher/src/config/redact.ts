import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { JsonObject } from "@durable-workflow/carrier/protocol";

const SECRET_KEY = /token|secret|authorization|signature|password|credential|private_key/i;

export const REDACTED = "redacted";

/** A copy of a document in which the values of secret-like keys and commands are replaced, however deep they are. */
export function redactContext(context: JsonObject): JsonObject {
  return redactObject(context, 0);
}

function redactObject(object: JsonObject, depth: number): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [
      key,
      value !== null && SECRET_KEY.test(key)
        ? REDACTED
        : key === "command" && Array.isArray(value)
          ? describeCommand(value.map(String))
          : redact(value, depth + 1),
    ]),
  );
}

function redact(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth > 20) return REDACTED;
  return Array.isArray(value) ? value.map((item) => redact(item, depth + 1)) : redactObject(value as JsonObject, depth);
}

/** How a command is shown: its arguments may hold anything, its program's name says which it is. */
export function describeCommand([program = "", ...args]: readonly string[]): string {
  const count = args.length === 1 ? "1 argument" : `${args.length} arguments`;
  return `${basename(program)} (${count})`;
}

/** How a path is shown: where files lie is nobody's business, which file it was is. */
export function describePath(path: string): JsonObject {
  return { basename: basename(path), sha256: createHash("sha256").update(path).digest("hex") };
}
