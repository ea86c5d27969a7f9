/**
 * Text of others, made fit to be recorded: what one engine, its database or another language's JSON parser refuses must
 * not cost the outcome that it belongs to. PostgreSQL refuses U+0000, PHP's JSON parser lone surrogates.
 */

/** In Unicode mode a pair is one character, so that only halves match. */
const UNRECORDABLE = /[\p{Surrogate}\0]/gu;
const VISIBLE = /[^\s\p{C}]/u;
const REPLACEMENT = "\ufffd";

/** The longest `failure.type`, in bytes of UTF-8: released SDKs replace a longer one altogether. */
export const LONGEST_TYPE_BYTES = 255;

/**
 * The text as every engine takes it: U+0000 and lone surrogates become U+FFFD, and it is cut, never within a character.
 *
 * @param mostCharacters the most UTF-16 code units that are left, an integer >= 0. Default: not cut.
 */
export function recordableText(text: string, mostCharacters = Number.POSITIVE_INFINITY): string {
  // Half of a character is not left at the end.
  const fitting = text.length > mostCharacters ? text.slice(0, mostCharacters).replace(/[\ud800-\udbff]$/, "") : text;
  return fitting.replaceAll(UNRECORDABLE, REPLACEMENT);
}

/**
 * As {@link recordableText}, for limits that count bytes.
 *
 * @param mostBytes the most bytes of UTF-8 that are left, an integer >= 0
 */
export function recordableTextInBytes(text: string, mostBytes: number): string {
  // No code unit takes less than one byte: so much of the text is enough, and costs no more for an endless one.
  const mended = recordableText(text, mostBytes);
  return mended.slice(0, new TextEncoder().encodeInto(mended, new Uint8Array(mostBytes)).read);
}

/**
 * A name, as `failure.type` wants one: on one line, without white space around it, at most 255 bytes of UTF-8, with U+FFFD
 * in the place of control characters. Null when nothing is left to be seen.
 */
export function recordableName(text: string): string | null {
  const name = recordableText(text, 4 * LONGEST_TYPE_BYTES)
    .replaceAll(/\p{Cc}/gu, REPLACEMENT)
    .trim();
  return isVisibleText(name) ? recordableTextInBytes(name, LONGEST_TYPE_BYTES) : null;
}

/** False for text that an engine may trim to nothing, and then refuse: white space, controls and invisible marks alone. */
export function isVisibleText(text: string): boolean {
  return VISIBLE.test(text);
}
