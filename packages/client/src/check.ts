import { checkOptionNames } from "@durable-workflow/engine-protocol";

/** What an option must be: asked, and in words. */
export type Rule = readonly [isSo: (value: unknown) => boolean, what: string];

/** One for each option; `true` lets everything pass. */
export type Rules<Options> = Readonly<Record<keyof Required<Options>, Rule | true>>;

export const integer = (least: number): Rule => [
  (value) => Number.isSafeInteger(value) && (value as number) >= least,
  `an integer >= ${least}`,
];

export const oneOf = (...choices: readonly unknown[]): Rule => [
  (value) => choices.includes(value),
  choices.map((choice) => JSON.stringify(choice)).join(" or "),
];

/** @throws {TypeError} that names it, and says what it must be */
export function must(name: string, value: unknown, [isSo, what]: Rule): void {
  if (!isSo(value)) throw new TypeError(`${name} must be ${what}`);
}

/**
 * Options that are not given are as they should be.
 *
 * @param within stands before the names, as in `retry.`
 * @throws {TypeError} for an option that is not known, and for one that is not what it must be
 */
export function check<Options extends object>(
  what: string,
  options: Options,
  rules: Rules<Options>,
  within = "",
): void {
  checkOptionNames(what, options, rules);
  for (const [name, value] of Object.entries(options)) {
    const rule = rules[name as keyof Options];
    if (value !== undefined && rule !== true) must(within + name, value, rule);
  }
}
