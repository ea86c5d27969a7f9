/** As deep as the engine's own parser goes. */
export const DEEPEST_JSON = 512;
/** Values in one body: elements of lists, and properties. */
export const MOST_VALUES = 500_000;
/** Properties in one body. They cost more than other values, above all where each has a name of its own. */
export const MOST_KEYS = 50_000;

export type ShapeFault = "too_deep" | "too_many";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Whether a body can be parsed in a short time: looks at its brackets and separators, and builds nothing. What else is
 * wrong with it is for the parser to say.
 */
export function findShapeFault(bytes: Buffer): ShapeFault | undefined {
  let depth = 0;
  let values = 1;
  let keys = 0;
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE:
        at = endOfString(bytes, at);
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++values > MOST_VALUES) return "too_many";
        if (++depth > DEEPEST_JSON) return "too_deep";
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case 0x2c: // ,
        if (++values > MOST_VALUES) return "too_many";
        break;
      case 0x3a: // :
        if (++keys > MOST_KEYS) return "too_many";
        break;
      case undefined:
      default:
    }
  }
  return undefined;
}

/** Where a string ends that begins at `start`; the end of the text if it does not. */
function endOfString(bytes: Buffer, start: number): number {
  let from = start + 1;
  for (;;) {
    const quote = bytes.indexOf(QUOTE, from);
    if (quote < 0) return bytes.length;
    let slashes = 0;
    while (bytes[quote - 1 - slashes] === BACKSLASH && quote - 1 - slashes > start) slashes++;
    if (slashes % 2 === 0) return quote;
    from = quote + 1;
  }
}
