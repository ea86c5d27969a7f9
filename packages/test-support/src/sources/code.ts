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
    const before = code.slice(0, from);
    const statement = /\b(?:import|export)(\s+type)?\b[^;"'()]*$/.exec(before)?.[0] ?? "";
    const isFrom = /^(?:import|export)\b[^;]*\bfrom\s*$/.test(statement);
    const isEffect = /\bimport\s*$/.test(before);
    const isCall = /\b(?:import|require)\s*\(\s*$/.test(before);
    if (!isFrom && !isEffect && !isCall) return [];
    return [{ target: text.slice(from + 1, to - 1), typeOnly: isFrom && isTypeOnly(statement) }];
  });
}

/** `import type`, or braces in which every name is a type. */
function isTypeOnly(statement: string): boolean {
  if (/^(?:import|export)\s+type\b/.test(statement)) return true;
  const names = /^(?:import|export)\s*\{([^}]*)\}/.exec(statement)?.[1];
  return names !== undefined && names.split(",").every((name) => name.trim() === "" || /^\s*type\s/.test(name));
}
