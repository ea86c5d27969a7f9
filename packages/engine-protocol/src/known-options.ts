/** The names that an object of options may have: exactly those of its type, each with anything. */
export type OptionNames<Options> = Readonly<Record<keyof Required<Options>, unknown>>;

/**
 * Checks that options hold no name that is not known: a misspelt one would be passed over in silence.
 *
 * @param what is named in the message, as in `createDispatcher` or `connection`
 * @throws {TypeError} for a name that is not known, and for options that are not an object
 */
export function checkOptionNames<Options extends object>(
  what: string,
  options: Options,
  names: OptionNames<Options>,
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`${what}: options must be an object`);
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    throw new TypeError(
      `${what}: there is no option ${JSON.stringify(name)}; there are ${Object.keys(names).join(", ")}`,
    );
  }
}

/**
 * Checks that options which say yes or no are booleans: a text, such as "no", would count as yes.
 *
 * @param within stands before the names, as in `connection.`
 * @throws {TypeError} naming one that is not
 */
export function checkSwitches<Options extends object>(
  options: Options,
  names: readonly (keyof Options & string)[],
  within = "",
): void {
  for (const name of names) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== "boolean") throw new TypeError(`${within}${name} must be a boolean`);
  }
}
