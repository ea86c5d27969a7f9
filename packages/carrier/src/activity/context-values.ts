/** Names a value of one run, and its type. Made by {@link createContextKey}. */
export interface ContextKey<T> {
  readonly id: symbol;
  readonly defaultValue: T;
}

/**
 * A key for `context.get` and `context.set`: how an interceptor hands a value to handlers without either knowing how the
 * other is made. Two keys are never the same, whatever their descriptions.
 *
 * ```ts
 * const tenantKey = createContextKey<string | undefined>(undefined, { description: "tenant" });
 * ```
 *
 * @param defaultValue what `context.get` answers as long as nobody has set a value
 */
export function createContextKey<T>(
  defaultValue: T,
  { description }: { readonly description?: string } = {},
): ContextKey<T> {
  return { id: Symbol(description), defaultValue };
}
