import { join } from "node:path";
import { createDispatcher, type Dispatcher, logEvents } from "@durable-workflow/dispatcher";
import { CONFIG_SCHEMA } from "@durable-workflow/engine-protocol/executor-config";
import { createLocalEngine, isLocalEngineError, type LocalEngine } from "@durable-workflow/local-engine";
import type { EngineConnection } from "../engine/connection.js";
import { prepareDataFolder, readDevState, removeDevState, writeDevState } from "../engine/dev-state.js";
import { heartbeatsTo } from "../engine/heartbeats.js";
import { HttpClient } from "../net/http-client.js";
import { CliError, type CliIo, EXIT } from "../shell/command.js";
import type { ActivityFile } from "./activities/collect.js";
import type { CarrierOutput } from "./carrier/carrier-output.js";
import { type CarrierServer, cannotListen, startCarrierServer } from "./carrier/carrier-server.js";
import { ActivityProcess } from "./process/activity-process.js";
import { TaskEnds } from "./task-ends.js";

const HOST = "127.0.0.1";
const ENGINE_PORT = 7070;
/** Whoever is killed while working leaves tasks behind: this is how long the next one waits for them. */
const LEASE_SECONDS = 15;
/** Activities that are new are leased once the poll that knows nothing of them is over. */
const POLL_SECONDS = 1;
/** How long running activities may go on when the command ends. */
const DRAIN_MS = 1_000;

export interface DevOptions {
  readonly files: readonly string[];
  readonly watch: boolean;
  readonly taskQueue: string;
  /** Folder of what is kept; an absolute path. */
  readonly dataFolder: string;
  /** Whether the engine keeps everything in memory. */
  readonly inMemory: boolean;
  /** Port of the engine; undefined for the usual one, or a free one where that is taken. */
  readonly enginePort: number | undefined;
  readonly carrierPort: number;
  /** Folder of large payloads. */
  /** Port for a debugger of the activities. */
  readonly inspectPort: number | undefined;
  /** An engine elsewhere; undefined for one of our own. */
  readonly remote: EngineConnection | undefined;
}

/** What runs, once everything does. */
export interface RunningStack {
  readonly activities: readonly ActivityFile[];
  readonly engineUrl: string;
  /** Where the engine keeps what it knows; null for one elsewhere, or in memory. */
  readonly engineFile: string | null;
  readonly carrierUrl: string;
}

/**
 * Engine, carrier and dispatcher in one process, the activities in another: started in that order, and stopped in the other.
 */
export class DevStack {
  private readonly options: DevOptions;
  private readonly io: CliIo;
  private readonly output: CarrierOutput;
  private readonly closers: (() => Promise<unknown>)[] = [];
  private readonly ends: TaskEnds;
  private carrier: CarrierServer | undefined;
  private dispatcher: Dispatcher | undefined;
  private activities: readonly ActivityFile[] = [];

  constructor(options: DevOptions, io: CliIo, output: CarrierOutput) {
    this.options = options;
    this.io = io;
    this.output = output;
    this.ends = new TaskEnds((report) => output.task(report));
  }

  /** @throws {CliError} with what has begun still to be closed */
  async start(): Promise<RunningStack> {
    const { remote, taskQueue, dataFolder } = this.options;
    await this.refuseSecond();
    const engine = remote === undefined ? await this.startEngine() : { url: remote.url, file: null };
    const connection = remote ?? { url: engine.url, token: undefined, namespace: "default", tlsVerify: true };
    const host = await this.startActivities(connection);
    const carrier = await this.startCarrier(host);
    await this.startDispatcher(connection);
    if (remote === undefined) {
      const { namespace } = connection;
      const state = { url: engine.url, namespace, taskQueue, carrierUrl: carrier.url, pid: process.pid };
      await writeDevState(dataFolder, state);
      this.closers.push(() => removeDevState(dataFolder));
    }
    return { activities: this.activities, engineUrl: engine.url, engineFile: engine.file, carrierUrl: carrier.url };
  }

  /** Stops leasing first, the engine last, so that what has run is on record. */
  async close(): Promise<void> {
    const problems: unknown[] = [];
    for (const close of this.closers.splice(0).toReversed()) {
      try {
        await close();
      } catch (error) {
        problems.push(error);
      }
    }
    if (problems.length > 0) throw problems[0];
  }

  private async refuseSecond(): Promise<void> {
    const { dataFolder, remote } = this.options;
    const http = new HttpClient(this.io);
    const other = remote === undefined ? await readDevState(dataFolder, { cwd: this.io.cwd, http }) : undefined;
    if (other === undefined) return;
    const what = `dw-carrier dev runs already on ${dataFolder} (process ${other.pid}, engine ${other.url})`;
    throw new CliError(EXIT.failed, what, "Stop it, or choose another folder with --data.");
  }

  private async startEngine(): Promise<{ readonly url: string; readonly file: string | null }> {
    const { inMemory, dataFolder, enginePort } = this.options;
    const file = inMemory ? null : join(dataFolder, "engine.sqlite");
    if (file !== null) await prepareDataFolder(dataFolder);
    const engine = openEngine(file ?? ":memory:");
    this.closers.push(() => engine.close());
    return { url: await listen(engine, enginePort), file };
  }

  private async startActivities(
    connection: Pick<EngineConnection, "url" | "token" | "namespace">,
  ): Promise<ActivityProcess> {
    const { files, watch, inspectPort } = this.options;
    const { logger } = this.output;
    const host = new ActivityProcess(
      {
        host: {
          files,
          cwd: this.io.cwd,
          watch,
          carrier: "dw-carrier-dev",
          storageRoot: undefined,
          heartbeat: heartbeatsTo(connection),
        },
        inspectPort,
      },
      {
        onReload: (activities) => {
          this.activities = activities;
          this.output.reloaded(activities);
          void this.dispatcher?.reload();
        },
        onBroken: (problem) => {
          this.output.broken(problem);
        },
        onRestart: () => {
          this.output.restarted();
        },
        onCrash: (crash) => {
          this.output.crash(crash);
        },
        onLog: ({ level, fields, message }) => {
          logger[level](fields, message);
        },
      },
    );
    // The dispatcher has waited for what runs.
    this.closers.push(() => host.stop(0));
    this.activities = await host.start();
    return host;
  }

  private async startCarrier(handler: ActivityProcess): Promise<CarrierServer> {
    const carrier = await startCarrierServer({
      handler,
      host: HOST,
      port: this.options.carrierPort,
      auth: undefined,
      onTask: (report) => {
        this.ends.answered(report);
      },
    });
    this.carrier = carrier;
    // The dispatcher has waited for what runs, as above.
    this.closers.push(() => carrier.close({ lingerMs: 0, graceMs: 0 }));
    return carrier;
  }

  private async startDispatcher(
    connection: Pick<EngineConnection, "url" | "token" | "namespace" | "tlsVerify">,
  ): Promise<void> {
    const { url, token, namespace, tlsVerify } = connection;
    const dispatcher = createDispatcher({
      config: () => this.config(),
      connection: { serverUrl: url, namespace, tlsVerify, ...(token === undefined ? {} : { token }) },
      // All is said already: what is meant for other dispatchers of this machine must not steer this one.
      environment: {},
      profilesPath: join(this.options.dataFolder, "no-profiles.json"),
      drainMs: DRAIN_MS,
      pollSeconds: POLL_SECONDS,
    });
    logEvents(dispatcher.events, this.dispatcherLogger());
    dispatcher.events.on((event) => this.ends.event(event));
    this.dispatcher = dispatcher;
    this.closers.push(() => dispatcher.drain());
    await dispatcher.start();
  }

  /** Trouble only; how each task ended is told otherwise. */
  private dispatcherLogger(): Parameters<typeof logEvents>[1] {
    const { logger } = this.output;
    const tell =
      (level: "warn" | "error") =>
      ({ event, ...fields }: Readonly<Record<string, unknown>>, message: string): void => {
        if (event !== "task_ended" && event !== "lease_ended") logger[level](fields, withReason(message, fields));
      };
    return { debug: () => {}, info: () => {}, warn: tell("warn"), error: tell("error") };
  }

  /** Sends every activity of the files to our carrier. */
  private config(): object {
    const { taskQueue } = this.options;
    return {
      schema: CONFIG_SCHEMA,
      version: 1,
      carriers: { dev: { type: "invocable_http", url: this.carrier?.url } },
      mappings: this.activities.map(({ type }) => ({
        name: type,
        kind: "activity",
        task_queue: taskQueue,
        activity_type: type,
        carrier: "dev",
        handler: type,
      })),
    };
  }
}

function withReason(sentence: string, { why, message }: Readonly<Record<string, unknown>>): string {
  const reason = [message, why].find((text) => typeof text === "string");
  return reason === undefined ? sentence : `${sentence} (${reason})`;
}

function openEngine(file: string): LocalEngine {
  try {
    return createLocalEngine({ file, leaseSeconds: LEASE_SECONDS });
  } catch (error) {
    if (!isLocalEngineError(error)) throw error;
    throw new CliError(
      EXIT.failed,
      `the engine cannot be started: ${error.message}`,
      "Choose another folder with --data, or --memory.",
    );
  }
}

async function listen(engine: LocalEngine, port: number | undefined): Promise<string> {
  try {
    return (await engine.listen({ host: HOST, port: port ?? ENGINE_PORT })).url;
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    if (port === undefined && isTaken) return (await engine.listen({ host: HOST, port: 0 })).url;
    throw cannotListen(error, HOST, port ?? ENGINE_PORT, "engine-port");
  }
}
