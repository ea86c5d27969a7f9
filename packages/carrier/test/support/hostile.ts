/** Values that a handler may throw or return to see what breaks. */

const angry = (): never => {
  throw new Error("a trap that throws");
};

/** A proxy of which everything asked throws. */
export function angryProxy(): object {
  return new Proxy(Object.create(null), {
    get: angry,
    has: angry,
    getPrototypeOf: angry,
    ownKeys: angry,
    getOwnPropertyDescriptor: angry,
  });
}

/** A proxy that was revoked: not even `typeof` aside, nothing can be asked of it. */
export function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** The value with these properties replaced by getters that throw. */
export function withAngryGetters<T extends object>(value: T, ...names: readonly string[]): T {
  for (const name of names) Object.defineProperty(value, name, { get: angry });
  return value;
}
