/**
 * Text of others, made fit to be recorded: what one engine, its database or another language's JSON parser refuses must
 * not cost the outcome that it belongs to. PostgreSQL refuses U+0000, PHP's JSON parser lone surrogates.
 */

/** In Unicode mode a pair is one character, so that only halves match. */
const UNRECORDABLE = /[\p{Surrogate}\0]/gu;
const VISIBLE = /[^\s\p{C}]/u;
const REPLACEMENT = "\ufffd";

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

/** False for text that an engine may trim to nothing, and then refuse: white space, controls and invisible marks alone. */
export function isVisibleText(text: string): boolean {
  return VISIBLE.test(text);
}
