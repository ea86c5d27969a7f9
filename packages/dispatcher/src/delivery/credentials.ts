import { readToken } from "@durable-workflow/engine-protocol";
import type { ActivityMapping, AuthReference, ExecutorConfig } from "@durable-workflow/engine-protocol/executor-config";
import { type Environment, type Profiles, profileToken } from "../config/profiles.js";
import { NotTextError } from "../config/text-file.js";
import type { Secrets } from "../net/secrets.js";
import type { Clock } from "../time/clock.js";
import { type Authorization, type Authorizer, type AuthorizerRequest, authorizationOf } from "./authorizer.js";
import { WatchedFile } from "./watched-file.js";

/** A credential that is given in code, for mappings that come from the engine, with the origins it may be sent to. */
export type LocalCredential = AuthReference & {
  /** As in `https://handlers.example.com`. */
  readonly origins: readonly string[];
};

/** What to show a carrier. */
export type Credential =
  | { readonly type: "none" }
  | { readonly type: "bearer"; readonly token: string }
  | { readonly type: "mtls"; readonly cert: string; readonly key: string }
  | { readonly type: "authorized"; readonly authorize: Authorize };

/** Asks the authorizer of a reference. @throws {AuthorizerError} which names the reference */
export type Authorize = (request: Omit<AuthorizerRequest, "authRef">) => Promise<Required<Authorization>>;

/** A credential cannot be had, or may not be sent there. The message holds no part of it. */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
}

export interface CredentialStoreOptions {
  readonly config: ExecutorConfig | undefined;
  readonly local: Readonly<Record<string, LocalCredential>>;
  /** By reference; they take the place of what the config says of it. Default: none. */
  readonly authorizers?: Readonly<Record<string, Authorizer>>;
  readonly environment: Environment;
  readonly profiles: Profiles;
  readonly secrets: Secrets;
  readonly clock: Clock;
}

interface Entry {
  readonly reference: AuthReference | { readonly type: "authorizer"; readonly authorizer: Authorizer };
  readonly origins: ReadonlySet<string>;
}

const NONE: Credential = { type: "none" };

/**
 * The credentials that carriers want, each bound to the origins it may be sent to: those of the carriers that this
 * machine's own config uses it with, or those given with it. A mapping of the engine cannot send it anywhere else.
 */
export class CredentialStore {
  private readonly entries = new Map<string, Entry>();
  private readonly files = new Map<string, WatchedFile>();
  private readonly options: CredentialStoreOptions;

  constructor(options: CredentialStoreOptions) {
    this.options = options;
    const { config, local } = options;
    for (const [name, reference] of config?.authRefs ?? []) {
      const origins = new Set<string>();
      for (const { authRef, carrier } of config?.mappings ?? []) {
        if (authRef === name && carrier.type === "invocable_http") origins.add(new URL(carrier.url).origin);
      }
      this.entries.set(name, { reference, origins });
    }
    for (const [name, { origins, ...reference }] of Object.entries(local)) {
      // The config's own reference of the same name keeps its meaning; the origins given in code are added.
      const known = this.entries.get(name);
      this.entries.set(name, {
        reference: known?.reference ?? reference,
        origins: new Set([...(known?.origins ?? []), ...origins.map((origin) => new URL(origin).origin)]),
      });
    }
    for (const [name, authorizer] of Object.entries(options.authorizers ?? {})) {
      const own = (authorizer.origins ?? []).map((origin) => new URL(origin).origin);
      const origins = new Set([...(this.entries.get(name)?.origins ?? []), ...own]);
      this.entries.set(name, { reference: { type: "authorizer", authorizer }, origins });
    }
  }

  /**
   * What to show the carrier of a mapping.
   *
   * @throws {CredentialError} when it cannot be had, or may not be sent there
   */
  async credentialFor({ authRef, carrier }: ActivityMapping): Promise<Credential> {
    if (authRef === null || carrier.type !== "invocable_http") return NONE;
    const entry = this.entries.get(authRef);
    if (entry === undefined) throw new CredentialError(`no credential is known under the auth_ref ${authRef}`);
    const { origin } = new URL(carrier.url);
    if (!entry.origins.has(origin)) {
      throw new CredentialError(`the credential ${authRef} may not be sent to ${origin}`);
    }
    const { reference } = entry;
    if (reference.type === "authorizer") {
      const { authorizer } = reference;
      return { type: "authorized", authorize: (request) => authorizationOf(authRef, authorizer, request) };
    }
    if (reference.type === "mtls") {
      const [cert, key] = await Promise.all([this.readText(authRef, reference.cert), this.readKey(authRef, reference)]);
      return { type: "mtls", cert, key };
    }
    const token = await this.readToken(authRef, reference);
    this.options.secrets.add(token);
    return { type: "bearer", token };
  }

  private async readToken(authRef: string, reference: Exclude<AuthReference, { type: "mtls" }>): Promise<string> {
    const { environment, profiles } = this.options;
    let token: string | undefined;
    switch (reference.type) {
      case "env":
        token = environment[reference.env];
        break;
      case "token_file":
        token = await this.readText(authRef, reference.path);
        break;
      case "profile": {
        const profile = profiles.envs.get(reference.profile);
        token = profile === undefined ? undefined : profileToken(profile, environment);
        break;
      }
    }
    const read = readToken(token);
    if (read.token !== undefined) return read.token;
    throw new CredentialError(
      read.problem === "not_set"
        ? `the credential ${authRef} is not set`
        : `the credential ${authRef} holds characters that no token has`,
    );
  }

  private async readKey(authRef: string, { keyRef }: Extract<AuthReference, { type: "mtls" }>): Promise<string> {
    const variable = /^env:(.*)$/.exec(keyRef)?.[1];
    if (variable === undefined) return this.readText(authRef, keyRef.replace(/^file:/, ""));
    const key = this.options.environment[variable];
    if (key === undefined || key === "") throw new CredentialError(`the key of the credential ${authRef} is not set`);
    return key;
  }

  private async readText(authRef: string, path: string): Promise<string> {
    let file = this.files.get(path);
    if (file === undefined) {
      file = new WatchedFile(path, this.options.clock);
      this.files.set(path, file);
    }
    try {
      return await file.read();
    } catch (error) {
      if (error instanceof NotTextError) {
        throw new CredentialError(`the file of the credential ${authRef} is not UTF-8 text`);
      }
      throw new CredentialError(`the file of the credential ${authRef} cannot be read`);
    }
  }
}
