/** What is known of one object of options: its names, so that a misspelt one is refused and not ignored. */
export function readNames(given: unknown, where: string, names: readonly string[]): Readonly<Record<string, unknown>> {
  const what = where === "" ? "the options" : where;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new TypeError(`${what} must be an object of options`);
  }
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const path = where === "" ? name : `${where}.${name}`;
    throw new TypeError(`${path} is not an option of the local engine: ${what} may have ${names.join(", ")}`);
  }
  return given as Readonly<Record<string, unknown>>;
}

/** A whole number within bounds. */
export function readWhole(path: string, value: unknown, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    throw new TypeError(`${path} must be a whole number from ${least} to ${most}, not ${String(value)}`);
  }
  return value;
}

/** Text that is not empty. */
export function readText(path: string, value: unknown, what: string): string {
  if (typeof value !== "string" || value === "") throw new TypeError(`${path} must be ${what}`);
  return value;
}

/** An object that has these functions: a logger, a clock. */
export function readFunctions<T extends object>(path: string, value: T, names: readonly (keyof T & string)[]): T {
  for (const name of names) {
    if (typeof (value as T | null)?.[name] !== "function") throw new TypeError(`${path}.${name} must be a function`);
  }
  return value;
}
