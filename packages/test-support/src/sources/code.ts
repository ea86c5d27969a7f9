import { scan } from "./scan.js";

/** A source without its comments: prose may name what code may not. Lines stay lines. */
export function withoutComments(text: string): string {
  return scan(text)
    .map(({ part, from, to }) => (part === "comment" ? blank(text.slice(from, to)) : text.slice(from, to)))
    .join("");
}

/** The code alone, each character at its own place: what comments and literals hold is blank, quotes included. */
export function codeAlone(text: string): string {
  return scan(text)
    .map(({ part, from, to }) => (part === "code" ? text.slice(from, to) : blank(text.slice(from, to))))
    .join("");
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, " ");
}

/** One import of a source, types and imports at run time included. */
export interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
}

/**
 * Everything that a source names another module by: `import` and `export ... from`, imports for their effect, `import()` in
 * code and in types, `require`. Text inside comments, strings and templates is none.
 */
export function importsIn(text: string): readonly Import[] {
  const code = codeAlone(text);
  return scan(text).flatMap(({ part, from, to }) => {
    if (part !== "string") return [];
    const before = code.slice(Math.max(0, from - LONGEST_IMPORT), from).trimEnd();
    const target = text.slice(from + 1, to - 1);
    if (/\bimport$|\b(?:import|require)\s*\($/.test(before)) return [{ target, typeOnly: false }];
    if (!/\bfrom$/.test(before)) return [];
    const statement = /(?<![\w$.])(?:import|export)(?![\w$])(?:(?!(?<![\w$.])(?:import|export)(?![\w$]))[^;()])*$/.exec(
      before,
    )?.[0];
    return statement === undefined ? [] : [{ target, typeOnly: isTypeOnly(statement) }];
  });
}

/** Characters of a statement, comments inside it included. */
const LONGEST_IMPORT = 10_000;

/** `import type`, or braces in which every name is a type. */
function isTypeOnly(statement: string): boolean {
  if (/^(?:import|export)\s+type\b/.test(statement)) return true;
  const names = /^(?:import|export)\s*\{([^}]*)\}/.exec(statement)?.[1];
  return names !== undefined && names.split(",").every((name) => name.trim() === "" || /^\s*type\s/.test(name));
}
