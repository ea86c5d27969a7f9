/**
 * Marks a library's own objects so that they are recognised across duplicate installs, where `instanceof` fails.
 * Set in constructors, not as a class field: bundlers keep a class that has a field of computed name, used or not.
 */
const BRAND = Symbol.for("durable-workflow.brand");

export function brand(object: object, kind: string): void {
  Object.defineProperty(object, BRAND, { value: kind });
}

/** An error that is known by its name, whichever copy of this library made it. */
export abstract class BrandedError extends Error {
  constructor(name: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
    brand(this, name);
  }
}

/** The kind an object was branded with, by any copy of this library; undefined for everything else. */
export function brandOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return (value as { [BRAND]?: unknown })[BRAND];
  } catch {
    // A proxy may throw whatever it is asked.
    return undefined;
  }
}
