import { type ContractViolation, isObject } from "@durable-workflow/carrier/protocol";

export { isObject };

/** A field of a document, which may lack it or not even be an object. Only own fields count. */
export function fieldOf(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** The field of an object, where it is a text that is not empty. */
export function textField(value: unknown, key: string): string | undefined {
  const field = fieldOf(value, key);
  return typeof field === "string" && field !== "" ? field : undefined;
}

/** The field of an object, where it is an integer that a number holds exactly. */
export function integerField(value: unknown, key: string): number | undefined {
  const field = fieldOf(value, key);
  return typeof field === "number" && Number.isSafeInteger(field) ? field : undefined;
}

/** The field of an object, where it is a list; else an empty one. */
export function listField(value: unknown, key: string): readonly unknown[] {
  const field = fieldOf(value, key);
  return Array.isArray(field) ? (field as readonly unknown[]) : [];
}

/** The texts of a field of an object; what is no text is left out. */
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

/** The text at a path of names in a document. */
export function textAt(document: unknown, ...names: readonly string[]): string | undefined {
  const found = at(document, ...names);
  return typeof found === "string" ? found : undefined;
}

/** The number at a path of names in a document. */
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
