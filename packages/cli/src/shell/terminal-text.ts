import { randomUUID } from "node:crypto";
import type { Palette } from "./command.js";

/**
 * Begins a style of our own. What is shown was written by others, who cannot guess it: whatever they write, it is text.
 * The writer alone turns it into what terminals understand.
 */
const MARK = `\u{10fffe}${randomUUID()}:`;
const MARKS = new RegExp(`${MARK}(0|1|2|31|32|33|36);`, "gu");

/**
 * Control characters (ESC, BEL, CR, C1 and the others) but line feed and tab, what turns the direction of writing, what
 * is not seen at all, separators of lines, and halves of characters. Joiners and variation selectors belong to letters
 * and emoji.
 */
const HOSTILE =
  /(?![\n\t]|\u200c|\u200d|\ufe0e|\ufe0f)[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;

/** Most of what is written, and made harmless by looking at it once. */
const PLAIN = /^[\n\t -~]*$/;

/**
 * Text in which nothing steers a terminal: every such character is spelt `\uXXXX`, which reads alike in text and within
 * JSON. Once is enough, twice does no harm.
 */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replaceAll("\r\n", "\n").replaceAll(HOSTILE, spelt);
}

function spelt(character: string): string {
  let codes = "";
  for (let at = 0; at < character.length; at++) {
    codes += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }
  return codes;
}

/** ANSI styles, or plain text. A styled text becomes one for terminals in {@link terminalText} only. */
export function palette(colours: boolean): Palette {
  const paint =
    (code: number) =>
    (text: string): string =>
      colours ? `${MARK}${code};${text}${MARK}0;` : text;
  return { bold: paint(1), dim: paint(2), red: paint(31), green: paint(32), yellow: paint(33), cyan: paint(36) };
}

/** What a terminal gets: text that others wrote made harmless, our own styles as what they are. */
export function terminalText(text: string): string {
  const harmless = printable(text);
  return harmless.includes(MARK) ? harmless.replaceAll(MARKS, "\u001b[$1m") : harmless;
}

/** Text that fits, with `...` where something is missing. */
export function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, Math.max(0, room - 3))}...`;
}
