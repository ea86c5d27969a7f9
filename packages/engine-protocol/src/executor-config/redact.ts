import { isObject, type JsonObject } from "@durable-workflow/carrier/protocol";

/** Names under which a secret stands, however they are spelt. */
const SECRET_KEY = /token|secret|authorization|signature|password|credential|private_key/i;

/** What stands in place of a secret. */
export const REDACTED = "redacted";

/** Deeper than any config that is meant. */
const DEEPEST = 100;

/** A copy in which whatever stands under a key that names a secret is replaced, however deep that is. */
export function redact(value: unknown): unknown {
  return redactAt(value, 0);
}

/** As {@link redact}, of what goes with an error: commands are shown by their program only. */
export function redactContext(context: JsonObject): JsonObject {
  return withoutCommands(redactObject(context, 0));
}

function withoutCommands(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [
      key,
      key === "command" && Array.isArray(value) ? describeCommand(value.map(String)) : withoutCommandsIn(value),
    ]),
  );
}

function withoutCommandsIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutCommandsIn);
  return isObject(value) ? withoutCommands(value) : value;
}

/** How a command is shown: its arguments may hold anything, its program's name says which it is. */
export function describeCommand([program = "", ...args]: readonly string[]): string {
  const count = args.length === 1 ? "1 argument" : `${args.length} arguments`;
  return `${program.split(/[\\/]/).at(-1) ?? ""} (${count})`;
}

function redactAt(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth > DEEPEST) return REDACTED;
  if (Array.isArray(value)) return value.map((item) => redactAt(item, depth + 1));
  return isObject(value) ? redactObject(value, depth) : value;
}

function redactObject(object: JsonObject, depth: number): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, inner]) => [key, SECRET_KEY.test(key) ? REDACTED : redactAt(inner, depth + 1)]),
  );
}
