import {
  buildMachinery,
  type DispatcherState,
  type DrainReport,
  EventStream,
  HealthBoard,
  type LanePlan,
  logEvents,
  newWorkerId,
  Proxies,
  Secrets,
  tell,
  Work,
} from "@durable-workflow/dispatcher/leasing";
import type { ActivityWorker, WorkerHealth } from "./api.js";
import { EventLoopWatch } from "./event-loop-watch.js";
import { IN_PROCESS, InProcessDeliverer } from "./in-process-deliverer.js";
import { type ActivityWorkerOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { Problem } from "./problem.js";
import { TokenKeeper } from "./token-keeper.js";

/**
 * Creates a worker: it leases tasks of activities from an engine and runs them in this process.
 *
 * ```ts
 * const worker = createActivityWorker({ activities: { greet }, taskQueue: "default", serverUrl: "http://127.0.0.1:8080" });
 * handleSignals(worker);
 * await worker.start();
 * ```
 *
 * It has no effect on its process: it installs no signal handlers, listens on no port and prints nothing.
 *
 * @throws {TypeError} naming an option that cannot be used
 */
export function createActivityWorker(options: ActivityWorkerOptions): ActivityWorker {
  return new LeasingWorker(resolveOptions(options));
}

/** The life of a worker: started once, drained once. */
class LeasingWorker implements ActivityWorker {
  private readonly secrets = new Secrets();
  readonly events = new EventStream((text) => this.secrets.scrub(text));
  private readonly board = new HealthBoard(this.events);
  private readonly problem = new Problem(this.events);
  private readonly options: ResolvedOptions;
  private readonly deliverer: InProcessDeliverer;
  private readonly token: TokenKeeper;
  private readonly watch: EventLoopWatch;
  private readonly work: Work;
  private state: DispatcherState = "new";
  private drained: Promise<DrainReport> | undefined;
  private clockSkewMs = (): number => 0;

  constructor(options: ResolvedOptions) {
    const { given, settings, clock, serverUrl, tlsVerify, environment } = options;
    const { events, secrets } = this;
    this.options = options;
    this.deliverer = new InProcessDeliverer(given);
    this.token = new TokenKeeper(given.token, secrets, clock);
    this.watch = new EventLoopWatch(clock, events, this.deliverer.running);
    if (given.logger !== undefined) logEvents(events, given.logger);
    const machinery = buildMachinery({
      settings,
      engine: {
        serverUrl,
        tlsVerify,
        token: () => this.token.value,
        onUnauthorized: () => void this.token.ask(),
      },
      events,
      secrets,
      proxies: new Proxies(environment),
      canConnect: () => Promise.resolve(true),
    });
    this.clockSkewMs = () => machinery.client.serverClock.skewMs();
    this.work = new Work({
      settings,
      machinery,
      deliverer: this.deliverer,
      workerId: given.workerId ?? newWorkerId(),
      events,
      secrets,
      untilRecovered: this.watch.untilRecovered,
    });
  }

  async start(): Promise<void> {
    if (this.state !== "new") throw new TypeError("a worker can be started once");
    this.state = "running";
    this.watch.start();
    await this.token.ask();
    // Drained, or killed, before it had begun.
    if (!this.isRunning) return;
    this.work.arrange(this.plans());
  }

  private get isRunning(): boolean {
    return this.state === "running";
  }

  private plans(): readonly LanePlan[] {
    const { namespace, taskQueues } = this.options;
    const { activityTypes } = this.deliverer;
    return taskQueues.map((taskQueue) => ({
      key: JSON.stringify([namespace, taskQueue]),
      namespace,
      taskQueue,
      carrier: IN_PROCESS,
      activityTypes,
      group: IN_PROCESS,
    }));
  }

  drain(): Promise<DrainReport> {
    this.drained ??= this.end();
    return this.drained;
  }

  private async end(): Promise<DrainReport> {
    if (this.state === "new" || this.state === "stopped") {
      this.state = "stopped";
      return { abandoned: 0 };
    }
    const { clock, settings, abortBeforeEndMs } = this.options;
    this.state = "draining";
    const cancel = clock.schedule(settings.drainMs - abortBeforeEndMs, () => this.deliverer.tellToStop());
    // What waits for the thread to be free may end now.
    this.watch.stop();
    const report = await this.work.drain();
    cancel();
    this.token.close();
    this.state = "stopped";
    tell(this.events, { type: "stopped", ...report });
    return report;
  }

  async runUntil<T>(work: Promise<T> | (() => Promise<T>)): Promise<T> {
    // It may reject before anybody waits for it.
    if (typeof work !== "function") work.catch(() => undefined);
    if (this.state === "new") await this.start();
    try {
      return await (typeof work === "function" ? work() : work);
    } finally {
      await this.drain();
    }
  }

  async runFor(ms: number): Promise<DrainReport> {
    if (!Number.isFinite(ms) || ms < 0) throw new TypeError("runFor needs milliseconds >= 0");
    const { clock } = this.options;
    const over = new Promise<void>((resolve) => {
      const off = this.events.on(({ type }) => {
        if (type !== "registered" && type !== "draining" && type !== "stopped") return;
        off();
        if (type === "registered") clock.schedule(ms, resolve);
        else resolve();
      });
    });
    if (this.state === "new") await this.start();
    await over;
    return this.drain();
  }

  health(): WorkerHealth {
    const { state, board, token, problem, watch } = this;
    const { lanes, inFlight, protocolVersion } = board;
    return {
      state,
      live: state !== "stopped",
      ready: state === "running" && lanes.some((lane) => lane.state === "polling" || lane.state === "full"),
      inFlight,
      stuck: this.deliverer.running.stuck,
      lanes,
      protocolVersion,
      clockSkewMs: this.clockSkewMs(),
      eventLoopDelayMs: Math.round(watch.longestDelayMs),
      problem: token.problem ?? problem.text,
    };
  }

  kill(): void {
    if (this.state === "stopped") return;
    const begun = this.state !== "new";
    this.state = "stopped";
    this.watch.stop();
    this.token.close();
    this.deliverer.kill();
    if (begun) void this.work.abandon();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }
}
