import { type ContractViolation, isObject } from "@durable-workflow/carrier/protocol";

export { isObject };

/** A field of a document, which may lack it or not even be an object. Only own fields count. */
export function fieldOf(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

export function textField(value: unknown, key: string): string | undefined {
  const field = fieldOf(value, key);
  return typeof field === "string" && field !== "" ? field : undefined;
}

export function integerField(value: unknown, key: string): number | undefined {
  const field = fieldOf(value, key);
  return typeof field === "number" && Number.isSafeInteger(field) ? field : undefined;
}

export function listField(value: unknown, key: string): readonly unknown[] {
  const field = fieldOf(value, key);
  return Array.isArray(field) ? (field as readonly unknown[]) : [];
}

export function textsField(value: unknown, key: string): readonly string[] {
  return listField(value, key).filter((item) => typeof item === "string");
}

/** The entries of an object; none for anything else. */
export function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isObject(value) ? Object.entries(value) : [];
}

/** Follows these names into a document. Gives undefined where nothing is there, whatever the document is. */
export function at(document: unknown, ...names: readonly string[]): unknown {
  let found: unknown = document;
  for (const name of names) found = fieldOf(found, name);
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

/** A parsed document; undefined for a text that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What violations demand, as a sentence for people. Values are not shown. */
export function demandsOf(violations: readonly Pick<ContractViolation, "path" | "expected">[]): string {
  return violations
    .map(({ path, expected }) => `${path === "" ? "the document" : path} must be ${expected}`)
    .join("; ");
}
