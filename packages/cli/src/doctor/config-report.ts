import { access, constants } from "node:fs/promises";
import { basename, resolve } from "node:path";
import {
  type ConnectionFlags,
  type ConnectionReport,
  type ConnectionSettings,
  describeConnection,
  type Environment,
  loadExecutorConfig,
  loadProfiles,
  ProfileError,
  type Profiles,
  profilesPath,
  resolveConnection,
} from "@durable-workflow/dispatcher";
import { parseJson, readToken } from "@durable-workflow/engine-protocol";
import {
  type AuthReference,
  type Carrier,
  type ExecutorConfig,
  ExecutorConfigError,
  type ServerRemark,
  serverRemarks,
} from "@durable-workflow/engine-protocol/executor-config";
import { shownTarget } from "../net/shown-url.js";
import { textOf } from "../options/text-file.js";

/** What a config comes to: what is wrong, and what counts. Without secrets, fit to be shown. */
export interface ConfigReport {
  readonly errors: readonly { readonly code: string; readonly message: string; readonly context: object }[];
  /** What a server that is given the same file does otherwise. */
  readonly server: readonly ServerRemark[];
  readonly overlay: string | null;
  /** Null where it cannot be settled. */
  readonly connection: ShownConnection | null;
  readonly mappings: readonly {
    readonly name: string;
    readonly taskQueue: string;
    readonly activityType: string;
    readonly handler: string;
    readonly carrier: string;
    readonly authRef: string | null;
    readonly timeoutSeconds: number | null;
  }[];
  readonly carriers: readonly {
    readonly name: string;
    readonly type: string;
    readonly target: string;
    readonly timeoutSeconds: number | null;
  }[];
  /** Those that are used. */
  readonly credentials: readonly CredentialReport[];
}

/** As the dispatcher has it; `dev` is the engine of `dw-carrier dev` or `dw-carrier engine`. */
export type ShownConnection = {
  readonly [Name in keyof ConnectionReport]: {
    readonly value: ConnectionReport[Name]["value"];
    readonly source: ConnectionReport[Name]["source"] | "dev";
  };
};

export interface CredentialReport {
  readonly name: string;
  readonly type: string;
  readonly where: string;
  /** Whether something usable is there. */
  readonly found: boolean;
  /** Why what is there cannot be used; null for nothing there, and for what can. */
  readonly problem: string | null;
}

export interface CheckInputs {
  readonly path: string;
  readonly overlay: string | undefined;
  readonly flags: ConnectionFlags;
  /** Whether the flags are those of the engine of `dw-carrier dev` or `dw-carrier engine`. */
  readonly isOfDev?: boolean;
  readonly environment: Environment;
  readonly cwd: string;
}

export interface CheckedConfig {
  readonly report: ConfigReport;
  readonly connection: ConnectionSettings | undefined;
  readonly carriers: readonly Carrier[];
}

/** Reads a config as the dispatcher would, and goes on where something is wrong. */
export async function checkConfig(inputs: CheckInputs): Promise<CheckedConfig> {
  const { path, overlay, cwd } = inputs;
  const errors: ConfigReport["errors"][number][] = [];
  let config: ExecutorConfig | undefined;
  try {
    config = await loadExecutorConfig(resolve(cwd, path), overlay === undefined ? {} : { overlay });
  } catch (error) {
    if (!(error instanceof ExecutorConfigError)) throw error;
    errors.push(...error.errors);
  }
  const { connection, profiles, problem } = await settle(inputs, config);
  if (problem !== undefined) errors.push({ code: "connection", message: problem, context: {} });
  const carriers = [...new Set(config?.mappings.map(({ carrier }) => carrier))];
  const report: ConfigReport = {
    errors,
    // What a dispatcher refuses by the same name is told already.
    server: serverRemarks(await documentOf(resolve(cwd, path)), overlay).filter(
      ({ code }) => !errors.some((error) => error.code === code),
    ),
    overlay: overlay ?? null,
    connection: connection === undefined ? null : shownConnection(connection, inputs.isOfDev === true),
    mappings: (config?.mappings ?? []).map(
      ({ name, taskQueue, activityType, handler, carrier, authRef, timeoutSeconds }) => ({
        name,
        taskQueue,
        activityType,
        handler,
        carrier: carrier.name,
        authRef,
        timeoutSeconds,
      }),
    ),
    carriers: carriers.map((carrier) => ({
      name: carrier.name,
      type: carrier.type,
      target: shownTarget(carrier),
      timeoutSeconds: carrier.timeoutSeconds,
    })),
    credentials: config === undefined ? [] : await credentialsOf(config, inputs, profiles),
  };
  return { report, connection, carriers };
}

function shownConnection(connection: ConnectionSettings, isOfDev: boolean): ShownConnection {
  const shown = describeConnection(connection);
  if (!isOfDev) return shown;
  const { serverUrl, namespace } = shown;
  return {
    ...shown,
    serverUrl: { value: serverUrl.value, source: "dev" },
    namespace: { value: namespace.value, source: "dev" },
    token: { value: null, source: "dev" },
  };
}

/** What the file holds, whatever is wrong with it; undefined where it cannot be read. */
async function documentOf(path: string): Promise<unknown> {
  return parseJson((await textOf(path)) ?? "");
}

async function settle(
  { flags, environment }: CheckInputs,
  config: ExecutorConfig | undefined,
): Promise<{ connection?: ConnectionSettings; profiles?: Profiles; problem?: string }> {
  try {
    const profiles = await loadProfiles(profilesPath(environment));
    return { profiles, connection: resolveConnection({ flags, environment, profiles, defaults: config?.defaults }) };
  } catch (error) {
    if (error instanceof ProfileError || error instanceof TypeError) return { problem: error.message };
    throw error;
  }
}

async function credentialsOf(
  { mappings, authRefs }: ExecutorConfig,
  inputs: CheckInputs,
  profiles: Profiles | undefined,
): Promise<readonly CredentialReport[]> {
  const names = [...new Set(mappings.map(({ authRef }) => authRef))].filter((name) => name !== null);
  return Promise.all(
    names.map(async (name) => {
      const reference = authRefs.get(name);
      if (reference === undefined) return { name, type: "unknown", where: "", found: false, problem: null };
      const { where, found, problem } = await locate(reference, inputs, profiles);
      return { name, type: reference.type, where, found, problem };
    }),
  );
}

interface Located {
  readonly where: string;
  readonly found: boolean;
  readonly problem: string | null;
}

const UNUSABLE = "it holds spaces, line ends or other characters that no token has";

function tokenOf(value: string | null | undefined): Pick<Located, "found" | "problem"> {
  const { problem } = readToken(value);
  return { found: problem === undefined, problem: problem === "not_a_header_value" ? UNUSABLE : null };
}

async function locate(
  reference: AuthReference,
  { environment, cwd }: CheckInputs,
  profiles: Profiles | undefined,
): Promise<Located> {
  const isSet = (name: string): boolean => (environment[name] ?? "") !== "";
  const isReadable = (path: string): Promise<boolean> =>
    access(resolve(cwd, path), constants.R_OK).then(
      () => true,
      () => false,
    );
  switch (reference.type) {
    case "env":
      return { where: reference.env, ...tokenOf(environment[reference.env]) };
    case "token_file":
      return { where: basename(reference.path), ...tokenOf(await textOf(resolve(cwd, reference.path))) };
    case "profile": {
      const source = profiles?.envs.get(reference.profile)?.tokenSource;
      const value = source?.type === "literal" ? source.value : environment[source?.value ?? ""];
      return { where: reference.profile, ...tokenOf(value) };
    }
    case "mtls": {
      const { cert, keyRef } = reference;
      const hasKey = keyRef.startsWith("env:") ? isSet(keyRef.slice("env:".length)) : await isReadable(keyRef);
      return { where: basename(cert), found: hasKey && (await isReadable(cert)), problem: null };
    }
  }
}
