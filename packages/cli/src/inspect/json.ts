import type { JsonObject } from "@durable-workflow/carrier/protocol";

/** Looks into documents of any shape. */

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is there under these names; undefined for nothing, whatever the document is. */
export function at(document: unknown, ...names: readonly string[]): unknown {
  let found: unknown = document;
  for (const name of names) found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  return found;
}

export function textAt(document: unknown, ...names: readonly string[]): string | undefined {
  const found = at(document, ...names);
  return typeof found === "string" ? found : undefined;
}

export function numberAt(document: unknown, ...names: readonly string[]): number | undefined {
  const found = at(document, ...names);
  return typeof found === "number" ? found : undefined;
}

/** A parsed document; undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
