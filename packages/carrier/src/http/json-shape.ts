import { scanJson, TOO_DEEP } from "../protocol/json-shape.js";

/** Below so many characters no text is much to parse or to hold, and a look at it would cost a small task more than it saves. */
export const WORTH_A_LOOK = 4096;
/** Below so many characters no depth takes long to parse. */
const WORTH_REFUSING = 64 * 1024;
/** Envelopes nest a handful of levels, and have a few dozen fields; what is large in them is the text of a payload. */
export const DEEPEST_JSON = 256;
export const MOST_JSON_VALUES = 100_000;

/** Says in words what makes a JSON text too much to be parsed in one go; else how many values it has. */
export function weighJson(text: string): string | number {
  if (text.length < WORTH_A_LOOK) return 0;
  const depth = text.length < WORTH_REFUSING ? text.length : DEEPEST_JSON;
  const weight = scanJson(text, depth, MOST_JSON_VALUES);
  if (weight === TOO_DEEP) return `nests deeper than ${DEEPEST_JSON} levels`;
  return weight < 0 ? `has more than ${MOST_JSON_VALUES} values outside of payloads` : weight;
}
