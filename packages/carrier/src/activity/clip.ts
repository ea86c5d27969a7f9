import { recordableText } from "../protocol/recordable-text.js";

/** Beyond these, the message of a failure is cut: it must fit where it is stored. Engines take 63,488 bytes of it. */
export const LONGEST_MESSAGE = 16_384;

/** Fit to be recorded, and cut to a length with a mark. */
export function clip(text: string, longest: number): string {
  return text.length > longest ? `${recordableText(text, longest)}... (cut)` : recordableText(text);
}
