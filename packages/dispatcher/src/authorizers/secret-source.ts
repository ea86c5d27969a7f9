import { checkOptionNames } from "@durable-workflow/engine-protocol";
import type { Environment } from "../config/profiles.js";
import { NotTextError } from "../config/text-file.js";
import { AuthorizerError } from "../delivery/authorizer.js";
import { WatchedFile } from "../delivery/watched-file.js";
import type { Clock } from "../time/clock.js";

/** Where a secret is. White space around it goes. */
export type SecretSource =
  /** In an environment variable. */
  | { readonly env: string }
  /** In a file of its own, which is read again when it changes. */
  | { readonly file: string };

/** Reads a secret. @throws {AuthorizerError} naming what it belongs to, and where it was looked for */
export type ReadSecret = (isUrgent?: boolean) => Promise<string>;

export interface SecretReading {
  readonly environment: Environment;
  readonly clock: Clock;
}

/**
 * @param what in messages, as in `headers.x-functions-key`
 * @throws {TypeError} for what is no source
 */
export function secretReader(what: string, source: SecretSource, { environment, clock }: SecretReading): ReadSecret {
  checkOptionNames(what, source as { env?: string; file?: string }, { env: true, file: true });
  const { env, file } = source as { env?: unknown; file?: unknown };
  if ((env === undefined) === (file === undefined)) throw new TypeError(`${what} must have either env or file`);
  const where = env ?? file;
  if (typeof where !== "string" || where === "") {
    throw new TypeError(`${what}.${env === undefined ? "file" : "env"} must be a non-empty string`);
  }
  if (env !== undefined) {
    return () => {
      const value = environment[where]?.trim() ?? "";
      if (value !== "") return Promise.resolve(value);
      return Promise.reject(new AuthorizerError(`${what}: the environment variable ${where} is not set`));
    };
  }
  const watched = new WatchedFile(where, clock);
  return async (isUrgent) => {
    let text: string;
    try {
      text = await watched.read(isUrgent);
    } catch (error) {
      const problem = error instanceof NotTextError ? "is not UTF-8 text" : "cannot be read";
      throw new AuthorizerError(`${what}: the file of the secret ${problem}`);
    }
    if (text.trim() === "") throw new AuthorizerError(`${what}: the file of the secret is empty`);
    return text.trim();
  };
}
