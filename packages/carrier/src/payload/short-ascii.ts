/** The longest text that is read here. */
export const SHORT_TEXT = 12;

const text = String.fromCharCode;

/**
 * Reads up to 12 bytes as ASCII; undefined when one is none. One call of String.fromCharCode costs a quarter of appending
 * the characters one by one, or of a call into the platform.
 */
export function readShortAscii(bytes: Uint8Array, start: number, length: number): string | undefined {
  if (length === 0) return "";
  const a = bytes[start] as number;
  let seen = a;
  if (length === 1) return seen > 127 ? undefined : text(a);
  const b = bytes[start + 1] as number;
  seen |= b;
  if (length === 2) return seen > 127 ? undefined : text(a, b);
  const c = bytes[start + 2] as number;
  seen |= c;
  if (length === 3) return seen > 127 ? undefined : text(a, b, c);
  const d = bytes[start + 3] as number;
  seen |= d;
  if (length === 4) return seen > 127 ? undefined : text(a, b, c, d);
  const e = bytes[start + 4] as number;
  seen |= e;
  if (length === 5) return seen > 127 ? undefined : text(a, b, c, d, e);
  const f = bytes[start + 5] as number;
  seen |= f;
  if (length === 6) return seen > 127 ? undefined : text(a, b, c, d, e, f);
  const g = bytes[start + 6] as number;
  seen |= g;
  if (length === 7) return seen > 127 ? undefined : text(a, b, c, d, e, f, g);
  const h = bytes[start + 7] as number;
  seen |= h;
  if (length === 8) return seen > 127 ? undefined : text(a, b, c, d, e, f, g, h);
  const i = bytes[start + 8] as number;
  seen |= i;
  if (length === 9) return seen > 127 ? undefined : text(a, b, c, d, e, f, g, h, i);
  const j = bytes[start + 9] as number;
  seen |= j;
  if (length === 10) return seen > 127 ? undefined : text(a, b, c, d, e, f, g, h, i, j);
  const k = bytes[start + 10] as number;
  seen |= k;
  if (length === 11) return seen > 127 ? undefined : text(a, b, c, d, e, f, g, h, i, j, k);
  const l = bytes[start + 11] as number;
  seen |= l;
  return seen > 127 ? undefined : text(a, b, c, d, e, f, g, h, i, j, k, l);
}
