import { isObject } from "@durable-workflow/engine-protocol";

/** Characters of one text within a document: payloads are longer. */
const LONGEST_TEXT = 2_000;
const LONGEST_LIST = 200;
const DEEPEST = 40;

/** A document of the wire as text, indented; long texts in it are cut, and say so. */
export function wireText(document: unknown, most: number): { readonly json: string; readonly isCut: boolean } {
  let isCut = false;
  const short = (value: unknown, depth: number): unknown => {
    if (typeof value === "string" && value.length > LONGEST_TEXT) {
      isCut = true;
      return `${value.slice(0, LONGEST_TEXT)}… (${value.length} characters)`;
    }
    if (typeof value !== "object" || value === null) return value;
    if (depth > DEEPEST) {
      isCut = true;
      return "… (deeper)";
    }
    if (Array.isArray(value)) {
      if (value.length <= LONGEST_LIST) return value.map((item) => short(item, depth + 1));
      isCut = true;
      return [...value.slice(0, LONGEST_LIST).map((item) => short(item, depth + 1)), `… (${value.length} items)`];
    }
    return isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, short(item, depth + 1)]))
      : value;
  };
  const json = JSON.stringify(short(document, 0), null, 2);
  if (json.length <= most) return { json, isCut };
  return { json: `${json.slice(0, most)}\n… (${json.length} characters)`, isCut: true };
}
