import {
  type ConnectionFlags,
  loadExecutorConfig,
  loadProfiles,
  ProfileError,
  profilesPath,
  resolveConnection,
} from "@durable-workflow/dispatcher";
import { ExecutorConfigError } from "@durable-workflow/engine-protocol/executor-config";
import { HttpClient } from "../net/http-client.js";
import { namedToken } from "../options/tokens.js";
import { textOption } from "../options/values.js";
import { CliError, type CliIo, type CommandInput, type CommandOption, EXIT } from "../shell/command.js";
import { DEFAULT_DATA_FOLDER, type DevState, findDevState } from "./dev-state.js";

/** How every command that talks to an engine is told where it is. */
export const CONNECTION_OPTIONS = {
  server: {
    type: "string",
    value: "URL",
    help: "the engine; default: that of the `dw-carrier dev` or `engine` here, else as environment and profile say",
  },
  namespace: { type: "string", value: "NAME", help: "namespace of the engine; default `default`" },
  profile: { type: "string", value: "NAME", help: "profile of the engine's command line to connect with" },
  "token-env": {
    type: "string",
    value: "VARIABLE",
    help: "environment variable that holds the engine's token; default DURABLE_WORKFLOW_AUTH_TOKEN",
  },
  data: {
    type: "string",
    value: "DIR",
    help: `folder of the \`dw-carrier dev\` or \`engine\` to look for; default ${DEFAULT_DATA_FOLDER}`,
  },
} as const satisfies Readonly<Record<string, CommandOption>>;

export const DEFAULT_TASK_QUEUE = "default";

/** What an engine without tokens is told: it does not look. */
export const NO_TOKEN = "none";

/** How an engine is reached. */
export interface EngineConnection {
  readonly url: string;
  readonly namespace: string;
  readonly token: string | undefined;
  readonly tlsVerify: boolean;
  /** Where activities are started that name no queue. */
  readonly taskQueue: string;
  /** Who said where it is. `dev` stands for the engine that `dw-carrier dev` or `dw-carrier engine` runs in this folder. */
  readonly source: "flag" | "environment" | "profile" | "config" | "default" | "dev";
}

/**
 * Settles how to connect: flags, environment, the profile that is named, the engine that `dw-carrier dev` runs in this
 * folder, the profiles file's current profile, defaults. To the engine of `dev` no token is sent.
 *
 * @throws {CliError} for a profile that does not exist, and settings that cannot be used
 */
export async function connectionOf(
  input: CommandInput,
  io: Pick<CliIo, "env" | "cwd" | "err" | "secrets">,
): Promise<EngineConnection> {
  const { env } = io;
  const flags = connectionFlags(input, io);
  const dev = namesEngine(flags, env) ? undefined : await devEngine(textOption(input, "data"), io);
  if (dev !== undefined) return engineOf({ ...dev, namespace: flags.namespace ?? dev.namespace });
  try {
    const profiles = await loadProfiles(profilesPath(env));
    const { serverUrl, namespace, token, tlsVerify } = resolveConnection({ flags, environment: env, profiles });
    io.secrets.add(token.value);
    return {
      url: serverUrl.value.replace(/\/+$/, ""),
      namespace: namespace.value,
      token: token.value ?? undefined,
      tlsVerify: tlsVerify.value,
      taskQueue: DEFAULT_TASK_QUEUE,
      source: serverUrl.source,
    };
  } catch (error) {
    if (error instanceof ProfileError || error instanceof TypeError) throw new CliError(EXIT.config, error.message);
    throw error;
  }
}

/** How the engine of `dw-carrier dev` or `dw-carrier engine` is reached: it wants no token, and is sent none. */
export function engineOf({
  url,
  namespace,
  taskQueue,
}: Pick<DevState, "url" | "namespace" | "taskQueue">): EngineConnection {
  return { url, namespace, token: undefined, tlsVerify: true, taskQueue, source: "dev" };
}

/** What a service connects by: the dispatcher settles the rest. */
export interface ServiceConnection {
  readonly flags: ConnectionFlags;
  /** The engine of `dw-carrier dev` or `dw-carrier engine`, where nothing else was named; it is then among the flags. */
  readonly dev: DevState | undefined;
}

/** Where an executor config is, for what it says of the engine. */
interface ConfigFile {
  readonly path: string | undefined;
  readonly overlay: string | undefined;
}

/**
 * What a service is told of the connection: what the command line says, and where neither that nor environment nor config
 * says where the engine is, the one that `dw-carrier dev` or `dw-carrier engine` runs here, which gets no token.
 *
 * @throws {CliError} for a variable of `--token-env` that is not set
 */
export async function serviceConnection(
  input: CommandInput,
  io: Pick<CliIo, "env" | "cwd" | "err" | "secrets">,
  config: ConfigFile,
): Promise<ServiceConnection> {
  const flags = connectionFlags(input, io);
  if (namesEngine(flags, io.env) || (await namesProfile(config))) return { flags, dev: undefined };
  const dev = await devEngine(textOption(input, "data"), io);
  if (dev === undefined) return { flags, dev };
  const { url: serverUrl, namespace } = dev;
  return { flags: { serverUrl, namespace: flags.namespace ?? namespace, token: NO_TOKEN }, dev };
}

/** The engine that `dw-carrier dev` or `dw-carrier engine` runs here; what is set aside is told. */
export async function devEngine(
  folder: string | undefined,
  io: Pick<CliIo, "env" | "cwd" | "err">,
): Promise<DevState | undefined> {
  const { state, setAside } = await findDevState(folder, { cwd: io.cwd, http: new HttpClient(io) });
  for (const sentence of setAside) io.err(`${sentence}\n`);
  if (state !== undefined) await sayProfileSetAside(state, io);
  return state;
}

/** Whether a config says which profile counts. What is wrong with it is told by whoever reads it next. */
async function namesProfile({ path, overlay }: ConfigFile): Promise<boolean> {
  if (path === undefined) return false;
  try {
    const { defaults } = await loadExecutorConfig(path, overlay === undefined ? {} : { overlay });
    return typeof defaults.profile === "string";
  } catch (error) {
    if (error instanceof ExecutorConfigError) return true;
    throw error;
  }
}

function namesEngine(flags: ConnectionFlags, env: CliIo["env"]): boolean {
  return [flags.serverUrl, flags.profile, env["DURABLE_WORKFLOW_SERVER_URL"], env["DW_ENV"]].some(
    (value) => value !== undefined && value !== "",
  );
}

/** Whoever has chosen a profile may not expect that the engine of `dev` comes first. */
async function sayProfileSetAside({ url }: DevState, { env, err }: Pick<CliIo, "env" | "err">): Promise<void> {
  try {
    const { currentEnv } = await loadProfiles(profilesPath(env));
    if (currentEnv === null) return;
    err(
      `The profile ${currentEnv} is set aside for the dw-carrier dev here, ${url}: --profile ${currentEnv} names it.\n`,
    );
  } catch (error) {
    // It would not be used.
    if (!(error instanceof ProfileError)) throw error;
  }
}

/**
 * What the command line says of the connection.
 *
 * @throws {CliError} for a variable of `--token-env` that is not set
 */
export function connectionFlags(input: CommandInput, io: Pick<CliIo, "env" | "secrets">): ConnectionFlags {
  const serverUrl = textOption(input, "server");
  const namespace = textOption(input, "namespace");
  const profile = textOption(input, "profile");
  const token = namedToken(textOption(input, "token-env"), io);
  return {
    ...(serverUrl === undefined ? {} : { serverUrl }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(profile === undefined ? {} : { profile }),
    ...(token === undefined ? {} : { token }),
  };
}
