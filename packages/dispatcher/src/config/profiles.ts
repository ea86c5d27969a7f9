import { homedir } from "node:os";
import { join } from "node:path";
import { entriesOf, fieldOf, isObject, readToken, textField } from "@durable-workflow/engine-protocol";
import { NotTextError, readTextFile } from "./text-file.js";

export const PROFILES_SCHEMA = "durable-workflow.cli.config";

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a profile's token is: in the file, or in an environment variable. */
export type TokenSource = { readonly type: "literal" | "env"; readonly value: string };

/** A named set of settings of a connection. */
export interface Profile {
  readonly server: string | null;
  readonly namespace: string | null;
  readonly tokenSource: TokenSource | null;
  readonly tlsVerify: boolean | null;
}

/** The profiles of the engine's own command line. */
export interface Profiles {
  readonly currentEnv: string | null;
  readonly envs: ReadonlyMap<string, Profile>;
}

/** The profiles file cannot be used, or a profile that was named is not in it. The message holds no values of the file. */
export class ProfileError extends Error {
  override readonly name = "ProfileError";
}

const NO_PROFILES: Profiles = { currentEnv: null, envs: new Map() };

/** `$DW_CONFIG_HOME/config.json`, else `$XDG_CONFIG_HOME/dw/config.json`, else `~/.config/dw/config.json`. */
export function profilesPath(environment: Environment): string {
  const { DW_CONFIG_HOME: own, XDG_CONFIG_HOME: xdg } = environment;
  if (own !== undefined && own !== "") return join(own, "config.json");
  if (xdg !== undefined && xdg !== "") return join(xdg, "dw", "config.json");
  return join(homedir(), ".config", "dw", "config.json");
}

/**
 * Reads the profiles file. A file that does not exist has no profiles.
 *
 * @throws {ProfileError} for a file that cannot be read, or that the engine's command line did not write
 */
export async function loadProfiles(path: string): Promise<Profiles> {
  let text: string;
  try {
    text = await readTextFile(path);
  } catch (error) {
    if (isObject(error) && error["code"] === "ENOENT") return NO_PROFILES;
    if (error instanceof NotTextError) throw new ProfileError("The profiles file (config.json) is not UTF-8 text.");
    throw new ProfileError("The profiles file (config.json) cannot be read.");
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new ProfileError("The profiles file (config.json) is not a JSON document.");
  }
  return parseProfiles(document);
}

/** @throws {ProfileError} for a document that is not a profiles document */
export function parseProfiles(document: unknown): Profiles {
  if (fieldOf(document, "schema") !== PROFILES_SCHEMA) {
    throw new ProfileError(`schema of the profiles file must be ${JSON.stringify(PROFILES_SCHEMA)}.`);
  }
  return {
    currentEnv: textField(document, "current_env") ?? null,
    envs: new Map(entriesOf(fieldOf(document, "envs")).map(([name, profile]) => [name, readProfile(name, profile)])),
  };
}

function readProfile(name: string, profile: unknown): Profile {
  const tlsVerify = fieldOf(profile, "tls_verify");
  if (tlsVerify !== undefined && tlsVerify !== null && typeof tlsVerify !== "boolean") {
    throw new ProfileError(`envs.${name}.tls_verify of the profiles file must be true or false.`);
  }
  return {
    server: textField(profile, "server") ?? null,
    namespace: textField(profile, "namespace") ?? null,
    tokenSource: readTokenSource(name, fieldOf(profile, "token_source")),
    tlsVerify: tlsVerify ?? null,
  };
}

function readTokenSource(name: string, source: unknown): TokenSource | null {
  if (source === undefined || source === null) return null;
  const type = fieldOf(source, "type");
  const value = textField(source, "value");
  if ((type !== "literal" && type !== "env") || value === undefined) {
    throw new ProfileError(`envs.${name}.token_source of the profiles file must be {type: "literal" or "env", value}.`);
  }
  return { type, value };
}

/** The token of a profile; undefined when it has none, or the environment variable is not set. */
export function profileToken(profile: Profile, environment: Environment): string | undefined {
  const { tokenSource } = profile;
  if (tokenSource === null) return undefined;
  const token = tokenSource.type === "literal" ? tokenSource.value : environment[tokenSource.value];
  return readToken(token).problem === "not_set" ? undefined : token;
}
