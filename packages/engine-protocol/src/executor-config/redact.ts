import type { JsonObject } from "@durable-workflow/carrier/protocol";

const SECRET_KEY = /token|secret|authorization|signature|password|credential|private_key/i;

export const REDACTED = "redacted";

/** A copy of a document in which the values of secret-like keys are replaced, however deep they are. */
export function redactContext(context: JsonObject): JsonObject {
  return redactObject(context, 0);
}

function redactObject(object: JsonObject, depth: number): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [
      key,
      value !== null && SECRET_KEY.test(key) ? REDACTED : redact(value, depth + 1),
    ]),
  );
}

function redact(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth > 20) return REDACTED;
  return Array.isArray(value) ? value.map((item) => redact(item, depth + 1)) : redactObject(value as JsonObject, depth);
}
