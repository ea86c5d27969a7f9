import type { ConformanceCase } from "@durable-workflow/carrier/testing";
import { CliError, EXIT } from "../shell/command.js";

/**
 * The cases whose id one of the patterns names: in full, by a group it is in (`deadlines`), or with `*` for any text. All
 * of them where there is no pattern.
 *
 * @throws {CliError} for a pattern that names none
 */
export function selectCases(
  cases: readonly ConformanceCase[],
  patterns: readonly string[],
): readonly ConformanceCase[] {
  if (patterns.length === 0) return cases;
  const tests = patterns.map((pattern) => {
    const matches = matcher(pattern);
    if (!cases.some(({ id }) => matches(id))) {
      throw new CliError(
        EXIT.usage,
        `--only ${pattern} names no case`,
        "dw-carrier conformance --list shows them all.",
      );
    }
    return matches;
  });
  return cases.filter(({ id }) => tests.some((matches) => matches(id)));
}

function matcher(pattern: string): (id: string) => boolean {
  const escaped = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\/]/g, String.raw`\$&`));
  const expression = new RegExp(`^${escaped.join(".*")}(?:/.*)?$`);
  return (id) => expression.test(id);
}

/** The part of an id that names what it is about. */
export function groupOf(id: string): string {
  return id.split("/", 1)[0] ?? id;
}
