import {
  type ConnectionFlags,
  loadProfiles,
  ProfileError,
  profilesPath,
  resolveConnection,
} from "@durable-workflow/dispatcher";
import { HttpClient } from "../net/http-client.js";
import { namedToken } from "../options/tokens.js";
import { textOption } from "../options/values.js";
import { CliError, type CliIo, type CommandInput, type CommandOption, EXIT } from "../shell/command.js";
import { DEFAULT_DATA_FOLDER, type DevState, type FoundDevState, findDevState } from "./dev-state.js";

/** Options of services, which look for no engine of `dw-carrier dev`. */
export const SERVICE_CONNECTION_OPTIONS = {
  server: { type: "string", value: "URL", help: "the engine; default: as environment and profile say" },
  namespace: { type: "string", value: "NAME", help: "namespace of the engine; default `default`" },
  profile: { type: "string", value: "NAME", help: "profile of the engine's command line to connect with" },
  "token-env": {
    type: "string",
    value: "VARIABLE",
    help: "environment variable that holds the engine's token; default DURABLE_WORKFLOW_AUTH_TOKEN",
  },
} as const satisfies Readonly<Record<string, CommandOption>>;

/** Options of every other command that talks to an engine. */
export const CONNECTION_OPTIONS = {
  ...SERVICE_CONNECTION_OPTIONS,
  server: {
    type: "string",
    value: "URL",
    help: "the engine; default: the one that `dw-carrier dev` runs here, else as environment and profile say",
  },
  data: {
    type: "string",
    value: "DIR",
    help: `folder of the \`dw-carrier dev\` to look for; default ${DEFAULT_DATA_FOLDER}`,
  },
} as const satisfies Readonly<Record<string, CommandOption>>;

export const DEFAULT_TASK_QUEUE = "default";

/** How an engine is reached. */
export interface EngineConnection {
  readonly url: string;
  readonly namespace: string;
  readonly token: string | undefined;
  readonly tlsVerify: boolean;
  /** Where activities are started that name no queue. */
  readonly taskQueue: string;
  /** Who said where it is. `dev` stands for the engine that `dw-carrier dev` runs in this folder. */
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
  const { env, cwd } = io;
  const flags = connectionFlags(input, io);
  const isNamed = [flags.serverUrl, flags.profile, env["DURABLE_WORKFLOW_SERVER_URL"], env["DW_ENV"]].some(
    (value) => value !== undefined && value !== "",
  );
  const { state: dev, setAside } = isNamed
    ? NO_DEV
    : await findDevState(textOption(input, "data"), { cwd, http: new HttpClient(io) });
  for (const sentence of setAside) io.err(`${sentence}\n`);
  if (dev !== undefined) {
    await sayProfileSetAside(dev, io);
    const { url, taskQueue } = dev;
    const namespace = flags.namespace ?? dev.namespace;
    return { url, namespace, token: undefined, tlsVerify: true, taskQueue, source: "dev" };
  }
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

const NO_DEV: FoundDevState = { state: undefined, setAside: [] };

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
