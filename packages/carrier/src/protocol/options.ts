/** The names of an options object, each once: `true` for all keys of the type, so that the compiler misses none. */
export type OptionNames<Options extends object> = Readonly<Record<keyof Required<Options>, true>>;

/**
 * The options, once it is sure that they are an object of known names: a misspelt one must not leave a door open, or a
 * limit unset, without a word.
 *
 * @param subject what takes them, as its user calls it
 * @throws {TypeError} naming the option, and those that there are
 */
export function knownOptions<Options extends object>(
  options: Options | undefined,
  names: OptionNames<Options>,
  subject: string,
): Options {
  if (options === undefined) return {} as Options;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`options must be an object, or be left out; these are those of ${subject}`);
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    throw new TypeError(`${subject} has no option ${JSON.stringify(name)}; it has ${Object.keys(names).join(", ")}`);
  }
  return options;
}
