import { join } from "node:path";
import { createDispatcher, type Dispatcher, type DispatcherOptions, logEvents } from "@durable-workflow/dispatcher";
import type { InProcessEngine } from "@durable-workflow/engine-protocol";
import { DEFAULT_TASK_QUEUE, type EngineConnection, engineOf } from "../engine/connection.js";
import { ControlPlane } from "../engine/control-plane.js";
import { heartbeatsTo } from "../engine/heartbeats.js";
import { WaitingWatch } from "../engine/waiting-watch.js";
import { HttpClient } from "../net/http-client.js";
import type { PageOptions } from "../page/page.js";
import type { CliIo } from "../shell/command.js";
import { unlessStopped } from "../shell/stopped.js";
import type { ActivityFile } from "./activities/collect.js";
import { type AppTarget, AttachedApps } from "./apps/attached-apps.js";
import type { CarrierOutput } from "./carrier/carrier-output.js";
import { type CarrierServer, startCarrierServer } from "./carrier/carrier-server.js";
import { reportedRun } from "./carrier/task-report.js";
import { CarriersWatch } from "./carriers-watch.js";
import { FILES, type RoutedActivity, Routes } from "./dev-routes.js";
import { EngineHost, refuseSecond, runningWith } from "./engine/engine-host.js";
import { ActivityProcess } from "./process/activity-process.js";
import { TaskEnds } from "./task-ends.js";

const HOST = "127.0.0.1";
/** Activities that are new are leased once the poll that knows nothing of them is over. */
const POLL_SECONDS = 1;
/** How long running activities may go on when the command ends. */
const DRAIN_MS = 1_000;

export interface DevOptions {
  readonly files: readonly string[];
  /** Apps that run by themselves. */
  readonly apps: readonly AppTarget[];
  readonly watch: boolean;
  /** Undefined for that of the engine. */
  readonly taskQueue: string | undefined;
  /** Folder of what is kept; an absolute path. */
  readonly dataFolder: string;
  /** Whether the engine keeps everything in memory. */
  readonly inMemory: boolean;
  /** Port of the engine; undefined for the usual one, or a free one where that is taken. */
  readonly enginePort: number | undefined;
  readonly carrierPort: number;
  /** Port for a debugger of the activities. */
  readonly inspectPort: number | undefined;
  /** An engine elsewhere; undefined for one of our own, or the one of `dw-carrier engine`. */
  readonly remote: EngineConnection | undefined;
}

/** What runs, once everything does. */
export interface RunningStack {
  readonly activities: readonly RoutedActivity[];
  readonly engineUrl: string;
  /** Where the engine keeps what it knows; null for one elsewhere, or in memory. */
  readonly engineFile: string | null;
  /** Whose engine it is: `named` on the command line, or found as that of `dw-carrier engine`. */
  readonly engine: "own" | "named" | "found";
  readonly taskQueue: string;
  /** Null where apps alone run the activities. */
  readonly carrierUrl: string | null;
}

/** What is known of the engine once it runs. */
/**
 * The same for every `dev` that runs the engine itself. An engine has its file alone: whoever held leases under this id in
 * that file is dead, and registering again gives them back at once. Beside an engine of somebody else another `dev` may live.
 */
const OWN_WORKER = { workerId: "dw-carrier-dev" };

type DevEngine = Pick<RunningStack, "engine" | "engineFile"> & {
  readonly connection: EngineConnection;
  /** Where it runs in this process. */
  readonly inProcess?: InProcessEngine;
};

/**
 * Engine, carrier and dispatcher in one process, the activities in another, or in apps that run already: started in that
 * order, and stopped in the other.
 */
export class DevStack {
  private readonly options: DevOptions;
  private readonly io: CliIo;
  private readonly http: HttpClient;
  private readonly output: CarrierOutput;
  private readonly closers: (() => unknown)[] = [];
  private readonly ends: TaskEnds;
  private readonly routes: Routes;
  private readonly carriers: CarriersWatch;
  private dispatcher: Dispatcher | undefined;
  /** Undefined before the engine runs, and once the command ends. */
  private lease: (() => Promise<void>) | undefined;
  /** What runs the files' activities, for the dispatcher: their carrier's URL is for others. */
  private handlers: NonNullable<DispatcherOptions["handlers"]> = {};

  constructor(options: DevOptions, io: CliIo, output: CarrierOutput) {
    this.options = options;
    this.io = io;
    this.http = new HttpClient(io);
    this.output = output;
    this.ends = new TaskEnds((report) => output.task(report));
    this.routes = new Routes(options.apps);
    this.carriers = new CarriersWatch((name) => this.routes.urlOf(name));
  }

  /**
   * @throws {CliError} with what has begun still to be closed
   * @throws {StoppedEarly} (as a rejection) where the command is stopped meanwhile, in the same way
   */
  async start(): Promise<RunningStack> {
    const used = await this.step(() => this.engineToUse());
    const host = used instanceof EngineHost ? used : undefined;
    const started: DevEngine =
      used instanceof EngineHost
        ? await this.startEngine(used)
        : { engine: used.engine, engineFile: null, connection: used.at };
    const { engine, engineFile } = started;
    const { taskQueue = started.connection.taskQueue } = this.options;
    const connection = { ...started.connection, taskQueue };
    const carrierUrl = await this.step(() => this.startFiles(connection));
    await this.step(() => this.startApps());
    await this.step(() => this.startDispatcher(connection, started.inProcess));
    if (host !== undefined) {
      await host.announce({ url: connection.url, taskQueue });
      this.closers.push(() => host.withdraw());
    }
    await this.step(() => this.watchForWaiting(connection));
    return { activities: this.routes.activities, engineUrl: connection.url, engineFile, engine, taskQueue, carrierUrl };
  }

  /** What may take for ever; left as it is once the command ends, for {@link close}. */
  private step<T>(work: () => Promise<T>): Promise<T> {
    return unlessStopped(this.io.signal, work);
  }

  /** Stops leasing first, the engine last, so that what has run is on record. */
  async close(): Promise<void> {
    this.lease = undefined;
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

  /** An engine that is to be started, or how the one is reached that runs. */
  private async engineToUse(): Promise<
    EngineHost | { readonly engine: "named" | "found"; readonly at: EngineConnection }
  > {
    const { remote, dataFolder, inMemory, enginePort } = this.options;
    if (remote !== undefined) return { engine: "named", at: remote };
    const other = await runningWith(dataFolder, this.io);
    if (other?.command === "engine") return { engine: "found", at: engineOf(other) };
    if (other !== undefined) refuseSecond(other, dataFolder);
    const carriers = (): ReturnType<NonNullable<PageOptions["carriers"]>> => this.carriers.all;
    return new EngineHost(
      { command: "dev", dataFolder, inMemory, port: enginePort, portOption: "engine-port", carriers },
      this.io,
    );
  }

  private async startEngine(host: EngineHost): Promise<DevEngine> {
    this.closers.push(() => host.close());
    const { inProcess, url, file } = await host.start();
    const connection = engineOf({ url, namespace: "default", taskQueue: DEFAULT_TASK_QUEUE });
    return { engine: "own", engineFile: file, connection, inProcess };
  }

  /** Runs the files' activities; their carrier's address, null where there are no files. */
  private async startFiles(connection: EngineConnection): Promise<string | null> {
    if (this.options.files.length === 0) return null;
    const host = await this.startActivities(connection);
    const carrier = await this.startCarrier(host);
    this.handlers = {
      [FILES]: {
        handle: reportedRun(host, (report) => this.ends.answered(report)),
        get inputSchemas() {
          return host.inputSchemas;
        },
      },
    };
    this.routes.carrierUrl = carrier.url;
    return carrier.url;
  }

  private async startActivities(connection: EngineConnection): Promise<ActivityProcess> {
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
          this.output.reloaded(activities);
          this.useFiles(activities);
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
    this.useFiles(await this.step(() => host.start()));
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
    // The dispatcher has waited for what runs, as above.
    this.closers.push(() => carrier.close({ lingerMs: 0, graceMs: 0 }));
    return carrier;
  }

  private useFiles(activities: readonly ActivityFile[]): void {
    this.routes.files = activities;
    this.reroute();
  }

  private async startApps(): Promise<void> {
    const { apps: targets } = this.options;
    const apps = new AttachedApps(targets, this.http, (state) => {
      this.output.app(state);
      this.routes.apps = apps.all;
      this.reroute();
    });
    this.closers.push(() => apps.stop());
    await this.step(() => apps.start());
    this.routes.apps = apps.all;
    for (const state of apps.all) if (state.state !== "attached") this.output.app(state);
    // Before anything runs: whoever has two of a type must choose.
    const [clash] = this.routes.clashes;
    if (clash !== undefined) throw clash;
  }

  /** Leases what there is now. */
  private reroute(): void {
    for (const clash of this.routes.clashes) this.output.clash(clash);
    // Without activities there is nothing to lease: what was leased before goes on.
    if (this.routes.activities.length === 0) return;
    if (this.dispatcher !== undefined) void this.dispatcher.reload();
    else void this.lease?.().catch((error: unknown) => this.output.failed(error));
  }

  /** Leases tasks, once there are activities: apps may come later. */
  private async startDispatcher(connection: EngineConnection, engine: InProcessEngine | undefined): Promise<void> {
    this.lease = () => this.createDispatcher(connection, engine === undefined ? {} : { ...OWN_WORKER, engine });
    if (this.routes.activities.length > 0) await this.lease();
  }

  private async createDispatcher(
    connection: EngineConnection,
    own: Pick<DispatcherOptions, "workerId" | "engine">,
  ): Promise<void> {
    const { url, token, namespace, tlsVerify, taskQueue } = connection;
    const dispatcher = createDispatcher({
      ...own,
      handlers: this.handlers,
      askManifests: this.routes.tellingApps,
      config: () => this.routes.config(taskQueue),
      connection: { serverUrl: url, namespace, tlsVerify, ...(token === undefined ? {} : { token }) },
      // All is said already: what is meant for other dispatchers of this machine must not steer this one.
      environment: this.routes.environment,
      profilesPath: join(this.options.dataFolder, "no-profiles.json"),
      drainMs: DRAIN_MS,
      pollSeconds: POLL_SECONDS,
    });
    logEvents(dispatcher.events, this.dispatcherLogger());
    dispatcher.events.on((event) => this.ends.event(event));
    dispatcher.events.on((event) => {
      this.carriers.event(event);
    });
    this.dispatcher = dispatcher;
    this.closers.push(() => dispatcher.drain());
    await dispatcher.start();
  }

  private async watchForWaiting(connection: EngineConnection): Promise<void> {
    const watch = new WaitingWatch(new ControlPlane(connection, this.http), (untaken) => this.output.waiting(untaken));
    this.closers.push(() => watch.stop());
    await watch.start();
  }

  /** Trouble only; how each task ended is told otherwise. */
  private dispatcherLogger(): Parameters<typeof logEvents>[1] {
    const { logger } = this.output;
    const tell =
      (level: "warn" | "error") =>
      ({ event, ...fields }: Readonly<Record<string, unknown>>, message: string): void => {
        if (event !== "task_ended" && event !== "lease_ended") logger[level](fields, withReason(message, fields));
      };
    return {
      debug: () => {},
      info: () => {},
      warn: tell("warn"),
      error: tell("error"),
      isLevelEnabled: (level) => level === "warn" || level === "error",
    };
  }
}

function withReason(sentence: string, { why, message }: Readonly<Record<string, unknown>>): string {
  const reason = [message, why].find((text) => typeof text === "string");
  return reason === undefined ? sentence : `${sentence} (${reason})`;
}
