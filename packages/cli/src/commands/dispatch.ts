import { resolve } from "node:path";
import {
  createDispatcher,
  type Dispatcher,
  type DispatcherEvent,
  type HealthServer,
  logEvents,
  ProfileError,
  serveHealth,
} from "@durable-workflow/dispatcher";
import { createLogger } from "@durable-workflow/dispatcher/logging";
import { ExecutorConfigError } from "@durable-workflow/engine-protocol/executor-config";
import { CONNECTION_OPTIONS, type ServiceConnection, serviceConnection } from "../engine/connection.js";
import { cannotListen } from "../host/carrier/carrier-server.js";
import { growHeap } from "../host/process/heap.js";
import { shownUrl } from "../net/shown-url.js";
import { AUTHORIZERS_OPTION, authorizersOf, readAuthorizers } from "../options/authorizers.js";
import { flag, integerOption, PORTS, textOption, wordsOption } from "../options/values.js";
import { durationText } from "../report/duration.js";
import { clockTime, inOneLine, say, sayOften, statusStyle } from "../report/words.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT, type ExitCode } from "../shell/command.js";
import { stopped, unlessStopped } from "../shell/stopped.js";

const HEALTH_HOST = "127.0.0.1";

export const CONFIG_OPTIONS = {
  config: { type: "string", value: "FILE", help: "the executor config; default DW_EXTERNAL_EXECUTOR_CONFIG_PATH" },
  overlay: {
    type: "string",
    value: "NAME",
    help: "overlay to apply to it; default DW_EXTERNAL_EXECUTOR_CONFIG_OVERLAY",
  },
} as const;

export const dispatch: Command = {
  name: "dispatch",
  summary: "Leases tasks from an engine, and delivers each to its carrier: the dispatcher as a service",
  usage: "--config FILE | --queues NAMES --types NAMES [OPTIONS]",
  options: {
    ...CONFIG_OPTIONS,
    ...AUTHORIZERS_OPTION,
    queues: { type: "string", value: "NAMES", help: "lease from these task queues only; default those of the config" },
    types: {
      type: "string",
      value: "NAMES",
      help: "lease these activity types, whoever maps them; needs --queues, and no --config where the engine maps them all",
    },
    "max-in-flight": { type: "string", value: "NUMBER", help: "tasks at once; default 200" },
    "max-polls": {
      type: "string",
      value: "NUMBER",
      help: "polls at once for a carrier of a task queue, while tasks come; default 32",
    },
    "health-port": {
      type: "string",
      value: "NUMBER",
      help: "serve /livez, /readyz and /metrics there; default: do not",
    },
    "health-host": { type: "string", value: "ADDRESS", help: `address of those; default ${HEALTH_HOST}` },
    "allow-engine-targets": {
      type: "boolean",
      help: "call URLs that the engine alone maps: who may configure it can have any address called from here",
    },
    "allow-engine-commands": {
      type: "boolean",
      help: "run commands that the engine alone maps: who may configure it can run anything here",
    },
    "worker-id": {
      type: "string",
      value: "NAME",
      help: "begins the name that it registers under; default: host name, process id and a random part",
    },
    "hold-unreachable": {
      type: "string",
      value: "SECONDS",
      help: "how long a task is held for a carrier that is down, 0 for not at all; default: while lease and deadlines allow",
    },
    "no-redeliver-broken": {
      type: "boolean",
      help: "let a connection that broke before any of an answer cost the attempt; default: the request is sent once more",
    },
    "ask-manifests": {
      type: "boolean",
      help: "ask HTTP carriers, by a GET, what arguments look like, for an engine that shows it; others' may not answer a GET",
    },
    drain: { type: "string", value: "SECONDS", help: "how long tasks in flight may go on at the end; default 25" },
    ...CONNECTION_OPTIONS,
  },
  description: `SIGTERM and SIGINT let the tasks in flight end, a second one ends it at once; SIGHUP reads the config and the authorizers
again, which happens by itself when the config changes. The token must be a worker's.
With --json: a JSON line for each event, as in the dispatcher's documentation.
Ends with 0, or with 1 when tasks had to be given up; the engine then hands them out again.`,
  examples: [
    {
      line: "dw-carrier dispatch --config executor.json --server https://engine.example.com --health-port 9090",
      what: "runs until it is told to stop",
    },
  ],
  run: runDispatch,
};

async function runDispatch(input: CommandInput, io: CliIo): Promise<ExitCode> {
  growHeap();
  const connection = await unlessStopped(io.signal, () => serviceConnection(input, io, configFile(input, io)));
  // A file that cannot be used is told of at once; it is read again when the dispatcher asks.
  await unlessStopped(io.signal, () => authorizersOf(input, io));
  const dispatcher = await configured(() => create(input, io, connection));
  const forget = input.json
    ? logEvents(dispatcher.events, createLogger({}, { write: (line) => io.log(line) }))
    : sayEvents(dispatcher, io);
  const reload = (): void => void dispatcher.reload();
  // On Windows it says that the window is being closed.
  if (process.platform !== "win32") process.on("SIGHUP", reload);
  const health = await startHealth(input, dispatcher);
  try {
    await unlessStopped(io.signal, () => configured(() => dispatcher.start()));
    if (!input.json) sayRunning(dispatcher, io, health?.url);
    await stopped(io.signal);
    const { abandoned } = await dispatcher.drain();
    return abandoned === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    process.off("SIGHUP", reload);
    await dispatcher.drain();
    await health?.close();
    forget();
  }
}

/** The config that is named, and its overlay; an empty variable names none. */
export function configFile(
  input: CommandInput,
  { cwd, env }: Pick<CliIo, "cwd" | "env">,
): { readonly path: string | undefined; readonly overlay: string | undefined } {
  const path = textOption(input, "config") ?? (env["DW_EXTERNAL_EXECUTOR_CONFIG_PATH"] || undefined);
  const overlay = textOption(input, "overlay") ?? (env["DW_EXTERNAL_EXECUTOR_CONFIG_OVERLAY"] || undefined);
  return { path: path === undefined ? undefined : resolve(cwd, path), overlay };
}

function create(input: CommandInput, io: CliIo, connection: ServiceConnection): Dispatcher {
  const configPath = textOption(input, "config");
  const configOverlay = textOption(input, "overlay");
  const activityTypes = wordsOption(input, "types");
  const queues = wordsOption(input, "queues")?.map((taskQueue) =>
    activityTypes === undefined ? { taskQueue } : { taskQueue, activityTypes },
  );
  if (activityTypes !== undefined && queues === undefined) {
    throw new CliError(EXIT.usage, "--types needs --queues", "Name the task queues that have these activity types.");
  }
  const maxInFlight = integerOption(input, "max-in-flight", { least: 1, most: 100_000 });
  const maxPolls = integerOption(input, "max-polls", { least: 1, most: 1_000 });
  const drain = integerOption(input, "drain", { least: 0, most: 86_400 });
  const hold = integerOption(input, "hold-unreachable", { least: 0, most: 86_400 });
  const workerId = textOption(input, "worker-id");
  const isConfigured = configPath ?? io.env["DW_EXTERNAL_EXECUTOR_CONFIG_PATH"];
  if ((isConfigured === undefined || isConfigured === "") && activityTypes === undefined) {
    throw new CliError(
      EXIT.usage,
      "which config? Name the file that maps activities to carriers with --config",
      "dw-carrier check --config FILE says whether one is in order.",
    );
  }
  return createDispatcher({
    environment: io.env,
    authorizers: () => readAuthorizers(input, io),
    connection: connection.flags,
    allowEngineTargets: flag(input, "allow-engine-targets"),
    allowEngineCommands: flag(input, "allow-engine-commands"),
    askManifests: flag(input, "ask-manifests"),
    ...(configPath === undefined ? {} : { configPath: resolve(io.cwd, configPath) }),
    ...(configOverlay === undefined ? {} : { configOverlay }),
    ...(queues === undefined ? {} : { queues }),
    ...(maxInFlight === undefined ? {} : { maxInFlight }),
    ...(maxPolls === undefined ? {} : { maxPolls }),
    ...(drain === undefined ? {} : { drainMs: drain * 1000 }),
    ...(hold === undefined ? {} : { holdUnreachableMs: hold * 1000 }),
    ...(workerId === undefined ? {} : { workerId }),
    ...(flag(input, "no-redeliver-broken") && { redeliverBroken: false }),
  });
}

async function startHealth(input: CommandInput, dispatcher: Dispatcher): Promise<HealthServer | undefined> {
  const port = integerOption(input, "health-port", PORTS);
  if (port === undefined) return undefined;
  const host = textOption(input, "health-host") ?? HEALTH_HOST;
  // Takes longer to load than a dispatcher takes to register.
  const { createMetrics } = await import("@durable-workflow/dispatcher/metrics");
  try {
    return await serveHealth(dispatcher, { host, port, metrics: createMetrics(dispatcher, { processMetrics: true }) });
  } catch (error) {
    throw cannotListen(error, host, port, "health-port");
  }
}

/** @throws {CliError} what is wrong with a config that the step cannot be done with */
async function configured<T>(step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw startProblem(error);
  }
}

/** What is wrong with a config, as the end of a command; other errors as they are. */
function startProblem(error: unknown): unknown {
  if (error instanceof ExecutorConfigError) {
    const lines = error.errors.map(({ code, message, context }) => `  ${code}: ${message} ${JSON.stringify(context)}`);
    return new CliError(
      EXIT.config,
      `the executor config is refused\n${lines.join("\n")}`,
      "dw-carrier check --config FILE shows where.",
    );
  }
  const isSetting = error instanceof ProfileError || error instanceof TypeError;
  return isSetting ? new CliError(EXIT.config, error.message) : error;
}

function sayRunning(dispatcher: Dispatcher, io: CliIo, health: string | undefined): void {
  const { connection } = dispatcher.effectiveConfiguration() ?? {};
  const { serverUrl, namespace } = connection ?? {};
  say(io, `engine  ${io.paint.bold(shownUrl(String(serverUrl?.value)))}  namespace ${String(namespace?.value)}`);
  if (health !== undefined) say(io, `health  ${health}/readyz`);
}

const QUIET: ReadonlySet<DispatcherEvent["type"]> = new Set(["task_ended", "stopped", "deregistered"]);

/** Lines for people: how each task ended, and whatever else is worth a word. */
function sayEvents(dispatcher: Dispatcher, io: CliIo): () => void {
  const { dim, yellow, red } = io.paint;
  const line = (text: string): void => sayOften(io, `${dim(clockTime(new Date()))}  ${inOneLine(text)}`);
  const log =
    (paint: (text: string) => string) =>
    ({ event, ...fields }: Readonly<Record<string, unknown>>, message: string): void => {
      if (!QUIET.has(event as DispatcherEvent["type"])) line(paint(`${message}${factsOf(fields)}`));
    };
  const ends = [
    logEvents(dispatcher.events, {
      debug: () => {},
      info: log(String),
      warn: log(yellow),
      error: log(red),
      isLevelEnabled: (level) => level !== "debug",
    }),
    dispatcher.events.on((event) => {
      if (event.type !== "task_ended") return;
      const { task, carrier, end, detail, durationMs } = event;
      const why = detail === null ? "" : `  ${detail}`;
      const status = io.paint[statusStyle(end)](end);
      line(
        `${task.activityType}  attempt ${task.attempt}  ${status} ${dim(`in ${durationText(durationMs)} by ${carrier ?? "nobody"}`)}${why}`,
      );
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

const SHOWN = [
  "carrier",
  "taskQueue",
  "activityType",
  "operation",
  "why",
  "status",
  "reason",
  "message",
  "retryInMs",
  "mappings",
];

function factsOf(fields: Readonly<Record<string, unknown>>): string {
  const facts = SHOWN.filter((name) => ["string", "number"].includes(typeof fields[name])).map(
    (name) => `${name} ${String(fields[name] as string | number)}`,
  );
  return facts.length === 0 ? "" : ` (${facts.join(", ")})`;
}
