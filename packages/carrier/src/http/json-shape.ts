/** Below so many characters no text is much to parse or to hold, and a look at it would cost a small task more than it saves. */
const WORTH_A_LOOK = 4096;
/** Below so many characters no depth takes long to parse. */
const WORTH_REFUSING = 64 * 1024;
/** Envelopes nest a handful of levels, and have a few dozen fields; what is large in them is the text of a payload. */
export const DEEPEST_JSON = 256;
export const MOST_JSON_VALUES = 100_000;

/**
 * Says in words what makes a JSON text too much to be parsed in one go; else how many values it has. Parsing 8 MiB of brackets or of
 * keys blocks a process for a second; looking at them takes milliseconds, and ends where it is too much. It does not say
 * whether the text is JSON.
 */
export function weighJson(text: string): string | number {
  if (text.length < WORTH_A_LOOK) return 0;
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        at = endOfString(text, at);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth++;
        values++;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case 0x2c: // ,
        values++;
        break;
      default:
        continue;
    }
    if (depth > DEEPEST_JSON && text.length >= WORTH_REFUSING) return `nests deeper than ${DEEPEST_JSON} levels`;
    if (values > MOST_JSON_VALUES) return `has more than ${MOST_JSON_VALUES} values outside of payloads`;
  }
  return values;
}

/** Where the string that begins at a quote ends; the end of the text for one that does not. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === 0x5c) first--;
  return (at - first) % 2 === 1;
}
