/** What a stretch of a TypeScript source is. */
export type Part = "code" | "comment" | "string" | "template" | "regex";

export interface Stretch {
  readonly part: Part;
  /** Where it begins and ends in the text; the end is not of it. */
  readonly from: number;
  readonly to: number;
}

/** A slash behind one of these begins a regular expression; behind anything else it divides. */
const BEFORE_REGEX =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield|instanceof))$/;

/** As much of the code before a slash as has to be looked at. */
const LOOK_BACK = 64;

/**
 * Cuts a source into what is code and what is not. It reads from the start, as a compiler does: strings, templates, regular
 * expressions and comments may each hold what begins another, so that no pattern can tell them apart.
 */
export function scan(text: string): readonly Stretch[] {
  const stretches: Stretch[] = [];
  /** Of every template that is open: how many braces of its own code are open. */
  const braces: number[] = [];
  /** The end of what stands before the stretch of code that is being read; a quote stands for any literal. */
  let behind = "";
  let codeFrom = 0;
  let at = 0;

  /** The end of the code up to here, comments and white space left out. */
  const before = (): string => text.slice(Math.max(codeFrom, at - LOOK_BACK), at).trimEnd() || behind;
  const take = (part: Part, to: number): void => {
    behind = part === "comment" ? before() : '"';
    if (at > codeFrom) stretches.push({ part: "code", from: codeFrom, to: at });
    stretches.push({ part, from: at, to });
    at = to;
    codeFrom = to;
  };
  /** From behind a backquote, or behind the brace that ends code inside a template. */
  const takeTemplate = (from: number): void => {
    const { to, opensCode } = endOfTemplate(text, from);
    take("template", to);
    if (!opensCode) return;
    braces.push(0);
    behind = "{";
  };

  while (at < text.length) {
    const character = text.charAt(at);
    const open = braces.length - 1;
    if (text.startsWith("//", at)) take("comment", endOfLine(text, at));
    else if (text.startsWith("/*", at)) take("comment", endOf(text, "*/", at + 2));
    else if (character === '"' || character === "'") take("string", endOfString(text, at));
    else if (character === "`") takeTemplate(at + 1);
    else if (character === "/" && BEFORE_REGEX.test(before())) take("regex", endOfRegex(text, at));
    else if (character === "}" && braces[open] === 0) {
      braces.pop();
      takeTemplate(at + 1);
    } else {
      if (character === "{" && open >= 0) braces[open] = (braces[open] ?? 0) + 1;
      if (character === "}" && open >= 0) braces[open] = (braces[open] ?? 0) - 1;
      at++;
    }
  }
  if (at > codeFrom) stretches.push({ part: "code", from: codeFrom, to: at });
  return stretches;
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found === -1 ? text.length : found + mark.length;
}

/** The end of a comment's line, the line break not of it. */
function endOfLine(text: string, from: number): number {
  const found = text.indexOf("\n", from);
  return found === -1 ? text.length : found;
}

function endOfString(text: string, from: number): number {
  const quote = text[from];
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === quote || text[at] === "\n") return at + 1;
  }
  return text.length;
}

function endOfTemplate(text: string, from: number): { to: number; opensCode: boolean } {
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "`") return { to: at + 1, opensCode: false };
    else if (text.startsWith("${", at)) return { to: at + 2, opensCode: true };
  }
  return { to: text.length, opensCode: false };
}

function endOfRegex(text: string, from: number): number {
  let inClass = false;
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "[") inClass = true;
    else if (text[at] === "]") inClass = false;
    else if (text[at] === "\n" || (text[at] === "/" && !inClass)) return at + 1;
  }
  return text.length;
}
