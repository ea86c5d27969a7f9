import { isObject } from "./json-object.js";

/** What an option's value must be, and how that is said after "must be". Some must not even be given as undefined. */
export type OptionCheck = readonly [fits: (value: unknown) => boolean, expected: string, evenUndefined?: true];

/** The names of an options object, each once, so that the compiler misses none: with a check, or `true` for none here. */
export type OptionNames<Options extends object> = Readonly<Record<keyof Required<Options>, true | OptionCheck>>;

/** Options of which some cannot be undefined. */
export type WithDefaults<Options, Defaults> = Options & {
  readonly [Name in keyof Options & keyof Defaults]-?: Exclude<Options[Name], undefined>;
};

/**
 * The options, once it is sure that they are an object of known names: a misspelt one must not leave a door open, or a
 * limit unset, without a word.
 *
 * @param subject what takes them, as its user calls it
 * @param defaults what an option is that was left out, or is undefined
 * @returns a copy, without those that are undefined
 * @throws {TypeError} naming the option, and those that there are, or what its value must be
 */
export function knownOptions<Options extends object, const Defaults extends Partial<Options> = object>(
  options: Options | undefined = {} as Options,
  names: OptionNames<Options>,
  subject: string,
  defaults?: Defaults,
): WithDefaults<Options, Defaults> {
  const known: Options = { ...defaults } as Options;
  if (!isObject(options)) {
    throw new TypeError(`options must be an object of those of ${subject}, or be left out`);
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    throw new TypeError(`${subject} has no option ${JSON.stringify(name)}; it has ${Object.keys(names).join(", ")}`);
  }
  for (const name in names) {
    const check = names[name];
    const value = options[name];
    if (value === undefined && !(check !== true && check[2] && name in options)) continue;
    if (check !== true && !check[0](value)) throw new TypeError(`${name} must be ${check[1]}`);
    known[name] = value;
  }
  return known as Options & WithDefaults<Options, Defaults>;
}

export function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

export const FUNCTION: OptionCheck = [isFunction, "a function"];
export const BOOLEAN: OptionCheck = [(value) => typeof value === "boolean", "a boolean"];
export const COUNT: OptionCheck = [(value) => Number.isSafeInteger(value) && (value as number) > 0, "an integer >= 1"];

/** What a function of this library makes, known by a method. */
export function madeBy(maker: string, method: string): OptionCheck {
  return methods([method], `what ${maker}(...) makes`);
}

/** An object with methods; `expected` says what it is, where that is more than its methods. */
export function methods(names: readonly string[], expected = `an object with ${names.join(", ")}`): OptionCheck {
  return [(value) => names.every((name) => isFunction((value as Record<string, unknown> | null)?.[name])), expected];
}
