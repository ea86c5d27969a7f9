import type { Authorizer } from "../delivery/authorizer.js";

/** @throws {TypeError} naming the authorizer that cannot be used */
export function checkAuthorizers(authorizers: object, credentials: object): void {
  for (const [name, authorizer] of Object.entries(authorizers) as [string, Partial<Authorizer> | null][]) {
    if (typeof authorizer?.authorize !== "function") {
      throw new TypeError(`authorizers.${name} must be an authorizer, as awsSigV4() makes one`);
    }
    if (Object.hasOwn(credentials, name)) throw new TypeError(`${name} is in credentials and in authorizers: keep one`);
    checkOrigins(`authorizers.${name}.origins`, authorizer.origins ?? []);
  }
}

/** @throws {TypeError} where one is not an origin */
export function checkOrigins(what: string, origins: readonly string[]): void {
  for (const origin of origins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new TypeError(`${what} must be origins, as in https://handlers.example.com`);
    }
  }
}
