/** A stretch of text as it is shown: itself, or the name of a character that would not be seen or would steer what is. */
export interface Stretch {
  readonly text: string;
  /** `U+202E`, where `text` is one character that is named instead of drawn. */
  readonly named?: string;
}

/**
 * Control characters, line and paragraph separators, what turns the direction of writing, what has no width, what is drawn as
 * nothing, and halves of surrogate pairs. Line feed and tab are drawn as they are.
 */
const UNSEEN =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class -- what is named here is what cannot be seen
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]|[\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|\p{Surrogate}/gu;
const JOINERS = "\u200c\u200d";
/** On both sides of these, a joiner does what it is for: it shapes letters of other scripts, and puts emoji together. */
const JOINED_BEFORE = /[^\p{ASCII}\p{Script=Latin}\s\p{Cc}\p{Cf}]$/u;
const JOINED_AFTER = /^[^\p{ASCII}\p{Script=Latin}\s\p{Cc}\p{Cf}]/u;

/**
 * Splits text of others into stretches that can be drawn without being misread. Joined together they are the text, to the
 * last code unit.
 */
export function visibleStretches(text: string): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let done = 0;
  for (const match of text.matchAll(UNSEEN)) {
    const [character] = match;
    if (JOINERS.includes(character)) {
      const before = text.slice(Math.max(0, match.index - 2), match.index);
      const after = text.slice(match.index + 1, match.index + 3);
      if (JOINED_BEFORE.test(before) && JOINED_AFTER.test(after)) continue;
    }
    if (match.index > done) stretches.push({ text: text.slice(done, match.index) });
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    stretches.push({ text: character, named: `U+${code}` });
    done = match.index + character.length;
  }
  if (done < text.length) stretches.push({ text: text.slice(done) });
  return stretches;
}

/** The same in one string, for titles and labels, which hold no elements: `evil⟨U+202E⟩gnp.exe`. */
export function visibleText(text: string): string {
  return visibleStretches(text)
    .map((stretch) => (stretch.named === undefined ? stretch.text : `⟨${stretch.named}⟩`))
    .join("");
}

/** The beginning of a text, so many code points at most, never half of a pair. */
export function beginning(text: string, most: number): string {
  if (text.length <= most) return text;
  let end = 0;
  for (let points = 0; points < most && end < text.length; points++)
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  return text.slice(0, end);
}
