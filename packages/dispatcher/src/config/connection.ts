import { checkOptionNames, checkSwitches, type OptionNames, readToken } from "@durable-workflow/engine-protocol";
import { type ConfigDefaults, parseUrl, REDACTED } from "@durable-workflow/engine-protocol/executor-config";
import { type Environment, type Profile, ProfileError, type Profiles, profileToken } from "./profiles.js";

/** Where a setting came from, first to last in the order in which they win. */
export type SettingSource = "flag" | "environment" | "profile" | "config" | "default";

/** A setting, and where it came from. */
export interface Setting<T> {
  readonly value: T;
  readonly source: SettingSource;
}

/** What was given on the command line or in code. */
export interface ConnectionFlags {
  readonly serverUrl?: string;
  readonly namespace?: string;
  readonly token?: string;
  readonly tlsVerify?: boolean;
  /** Name of the profile to use. */
  readonly profile?: string;
}

/** How the engine is reached, and who said so. */
export interface ConnectionSettings {
  readonly profile: Setting<string | null>;
  readonly serverUrl: Setting<string>;
  readonly namespace: Setting<string>;
  /** Null for an engine that wants none. */
  readonly token: Setting<string | null>;
  /** Whether the engine's certificate must be valid. */
  readonly tlsVerify: Setting<boolean>;
}

/** The connection as it may be shown: the winning source of each value, secrets redacted. */
export type ConnectionReport = Readonly<Record<keyof ConnectionSettings, Setting<string | boolean | null>>>;

/** The namespace where none is given. */
export const DEFAULT_NAMESPACE = "default";
/** The engine where none is given. */
export const DEFAULT_SERVER_URL = "http://127.0.0.1:8080";

/** Where the settings of a connection may come from. */
export interface ConnectionInputs {
  readonly flags: ConnectionFlags;
  readonly environment: Environment;
  readonly profiles: Profiles;
  /** Of the executor config, where there is one. */
  readonly defaults?: ConfigDefaults | undefined;
}

/**
 * Settles how to connect: flags, then environment, then the selected profile, then defaults (of the executor config,
 * then ours). An empty environment variable counts as not set.
 *
 * @throws {ProfileError} for a profile that was named and does not exist
 * @throws {TypeError} naming a setting that cannot be used
 */
export function resolveConnection(inputs: ConnectionInputs): ConnectionSettings {
  const { flags, environment, defaults } = inputs;
  checkConnectionFlags(flags);
  const profile = selectProfile(inputs);
  const selected = profile.value === null ? undefined : inputs.profiles.envs.get(profile.value);
  const variable = (name: string): string | undefined => {
    const value = environment[name];
    return value === "" ? undefined : value;
  };
  const settings: ConnectionSettings = {
    profile,
    serverUrl: first<string>(
      [flags.serverUrl, variable("DURABLE_WORKFLOW_SERVER_URL"), selected?.server, undefined],
      DEFAULT_SERVER_URL,
    ),
    namespace: first<string>(
      [flags.namespace, variable("DURABLE_WORKFLOW_NAMESPACE"), selected?.namespace, defaults?.namespace],
      DEFAULT_NAMESPACE,
    ),
    token: first<string | null>(
      [flags.token, setToken(environment["DURABLE_WORKFLOW_AUTH_TOKEN"]), tokenOf(selected, environment), undefined],
      null,
    ),
    tlsVerify: first<boolean>(
      [
        flags.tlsVerify,
        readSwitch("DURABLE_WORKFLOW_TLS_VERIFY", variable("DURABLE_WORKFLOW_TLS_VERIFY")),
        selected?.tlsVerify,
        undefined,
      ],
      true,
    ),
  };
  checkServerUrl(settings.serverUrl);
  return { ...settings, token: checkedToken(settings.token) };
}

/** @throws {TypeError} for an option that does not exist, or a token that is given and empty */
export function checkConnectionFlags(flags: ConnectionFlags): void {
  checkOptionNames("connection", flags, FLAGS);
  checkSwitches(flags, ["tlsVerify"], "connection.");
  if (Object.hasOwn(flags, "token") && readToken(flags.token).problem === "not_set") {
    throw new TypeError("connection.token is empty: give a token, or leave it out for that of environment or profile");
  }
}

const FLAGS: OptionNames<ConnectionFlags> = {
  serverUrl: true,
  namespace: true,
  token: true,
  tlsVerify: true,
  profile: true,
};

/** A variable of white space alone counts as not set, as an empty one does. */
function setToken(value: string | undefined): string | undefined {
  return readToken(value).problem === "not_set" ? undefined : value;
}

function tokenOf(profile: Profile | undefined, environment: Environment): string | undefined {
  return profile === undefined ? undefined : profileToken(profile, environment);
}

const SOURCES = ["flag", "environment", "profile", "config"] as const;

function first<T>(candidates: readonly (T | null | undefined)[], otherwise: T): Setting<T> {
  for (const [index, value] of candidates.entries()) {
    if (value !== undefined && value !== null) return { value, source: SOURCES[index] ?? "default" };
  }
  return { value: otherwise, source: "default" };
}

function selectProfile({ flags, environment, profiles, defaults }: ConnectionInputs): Setting<string | null> {
  const named = first<string | null>(
    [flags.profile, environment["DW_ENV"] === "" ? undefined : environment["DW_ENV"], undefined, defaults?.profile],
    null,
  );
  const selected: Setting<string | null> =
    named.value === null && profiles.currentEnv !== null ? { value: profiles.currentEnv, source: "default" } : named;
  if (selected.value !== null && !profiles.envs.has(selected.value)) {
    const known = [...profiles.envs.keys()];
    throw new ProfileError(
      `The profile ${JSON.stringify(selected.value)} (named by the ${selected.source}) does not exist; ` +
        (known.length === 0 ? "there are no profiles." : `there are ${known.join(", ")}.`),
    );
  }
  return selected;
}

function readSwitch(name: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (/^(?:1|true|yes|on)$/i.test(value)) return true;
  if (/^(?:0|false|no|off)$/i.test(value)) return false;
  throw new TypeError(`${name} must be true or false`);
}

function checkServerUrl({ value, source }: Setting<string>): void {
  const url = parseUrl(value);
  const fix = `(from the ${source}) must be an http or https URL without user name, password, query and fragment`;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new TypeError(`The server URL ${fix}`);
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new TypeError(`The server URL ${fix}`);
  }
}

/** A token that cannot be a header value is refused here; sent anyway, it would look like an engine that cannot be reached. */
function checkedToken({ value, source }: Setting<string | null>): Setting<string | null> {
  if (value === null) return { value, source };
  const { token } = readToken(value);
  if (token !== undefined) return { value: token, source };
  throw new TypeError(`The token (from the ${source}) must be visible ASCII characters, without spaces and line ends`);
}

/** The settings with the winning source of each, fit to be shown. */
export function describeConnection({ token, ...settings }: ConnectionSettings): ConnectionReport {
  return { ...settings, token: { value: token.value === null ? null : REDACTED, source: token.source } };
}
