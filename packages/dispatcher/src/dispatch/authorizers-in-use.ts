import { checkAuthorizers } from "./check-authorizers.js";
import type { AuthorizersByReference, ResolvedOptions } from "./options.js";

/** The authorizers that requests are given to. Where a function gives them, it is asked at the start and at each reload. */
export class AuthorizersInUse {
  private readonly options: Pick<ResolvedOptions, "authorizers" | "credentials">;
  private inUse: AuthorizersByReference = {};

  constructor(options: Pick<ResolvedOptions, "authorizers" | "credentials">) {
    this.options = options;
  }

  get current(): AuthorizersByReference {
    return this.inUse;
  }

  /**
   * Puts those of now in the place of the last.
   *
   * @throws {TypeError} where they cannot be used; the last ones stay
   */
  async load(): Promise<void> {
    const { authorizers, credentials } = this.options;
    const next = typeof authorizers === "function" ? await authorizers() : authorizers;
    checkAuthorizers(next, credentials);
    this.inUse = next;
  }
}
