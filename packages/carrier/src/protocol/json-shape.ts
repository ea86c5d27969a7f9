/** What {@link scanJson} returns for a text that nests too deep. */
export const TOO_DEEP = -1;
/** What {@link scanJson} returns for a text with too many values, or properties. */
export const TOO_MANY = -2;

/**
 * How many values a JSON text has (lists and maps, and elements after the first one of each), or what it has too much of:
 * {@link TOO_DEEP} or {@link TOO_MANY}. Parsing 8 MiB of brackets or of keys blocks a process for a second; looking at them
 * takes milliseconds, and ends where it is too much. Long strings are leapt over. It builds nothing, and does not say whether
 * the text is JSON.
 *
 * @param mostKeys the most properties. Default: any number
 */
export function scanJson(text: string, deepest: number, mostValues: number, mostKeys?: number): number {
  let depth = 0;
  let values = 0;
  let keys = 0;
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
      case 0x3a: // :
        keys++;
        break;
      default:
        continue;
    }
    if (depth > deepest) return TOO_DEEP;
    if (values > mostValues || keys > mostKeys!) return TOO_MANY;
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
