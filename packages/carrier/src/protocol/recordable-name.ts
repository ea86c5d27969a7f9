import { isVisibleText, recordableText } from "./recordable-text.js";

const CONTROL = /\p{Cc}/gu;

/** The longest `failure.type`, in bytes of UTF-8: released SDKs replace a longer one altogether. */
export const LONGEST_TYPE_BYTES = 255;

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
    .replaceAll(CONTROL, "\ufffd")
    .trim();
  return isVisibleText(name) ? recordableTextInBytes(name, LONGEST_TYPE_BYTES) : null;
}
