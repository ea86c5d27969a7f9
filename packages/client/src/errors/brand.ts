/** So that errors of another copy of this package are known, which `instanceof` does not know. */
export function brand(error: Error, name: string, mark: symbol): void {
  error.name = name;
  Object.defineProperty(error, mark, { value: true });
}

export function isBranded(error: unknown, mark: symbol): error is object {
  return typeof error === "object" && error !== null && mark in error;
}
