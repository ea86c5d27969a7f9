import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import {
  type ConnectionSettings,
  DEFAULT_NAMESPACE,
  describeConnection,
  resolveConnection,
} from "../config/connection.js";
import { configError, type ExecutorConfig } from "@durable-workflow/engine-protocol/executor-config";
import { loadProfiles, type Profiles, profilesPath } from "../config/profiles.js";
import { CredentialStore } from "../delivery/credentials.js";
import { Secrets } from "../net/secrets.js";
import { HealthBoard } from "../observe/board.js";
import { EventStream } from "../observe/events.js";
import { pause } from "../time/clock.js";
import type { Dispatcher, DispatcherHealth, DispatcherState, DrainReport, EffectiveConfiguration } from "./api.js";
import { ConfigSource } from "./config-source.js";
import { type ConfigInUse, inUseFor } from "./in-use.js";
import type { LaneDeps, Leased } from "./lane.js";
import { LaneSet } from "./lane-set.js";
import { type LanePlan, planLanes } from "./lanes.js";
import { buildMachinery, type Machinery } from "./machinery.js";
import { type DispatcherOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { TaskRun, taskFacts } from "./task-run.js";

/**
 * A dispatcher. It has no effect on its process: no signal handlers, no listening port, nothing printed; see
 * `handleSignals`, `serveHealth`, `logEvents` and `createMetrics`.
 *
 * @throws {TypeError} naming an option that cannot be used
 */
export function createDispatcher(options: DispatcherOptions = {}): Dispatcher {
  return new RunningDispatcher(resolveOptions(options));
}

/** How long a drain waits, past its limit, for the engine to answer a last time. */
const GOODBYE_MS = 3_000;

class RunningDispatcher implements Dispatcher {
  readonly secrets = new Secrets();
  readonly events = new EventStream((text) => this.secrets.scrub(text));
  private readonly board = new HealthBoard(this.events);
  private readonly options: ResolvedOptions;
  private readonly source: ConfigSource;
  private readonly lanes: LaneSet;
  private readonly runs = new Map<string, { readonly run: TaskRun; readonly done: Promise<void> }>();
  private readonly ending = new AbortController();
  /** What has been said of the config in use, and need not be said again. */
  private readonly told = new Set<string>();
  private begun = false;
  private givenUp = false;
  private machinery: Machinery | undefined;
  private inUse: ConfigInUse | undefined;
  private checking: Promise<unknown> = Promise.resolve();
  private state: DispatcherState = "new";
  private perCarrier = 1;
  private drained: Promise<DrainReport> | undefined;

  constructor(options: ResolvedOptions) {
    this.options = options;
    this.source = new ConfigSource(options);
    this.lanes = new LaneSet({
      workerId: options.given.workerId ?? `${hostname()}-${process.pid}-${randomBytes(4).toString("hex")}`,
      events: this.events,
      deps: (plan) => this.laneDeps(plan),
    });
  }

  async start(): Promise<void> {
    if (this.begun) throw new TypeError("a dispatcher can be started once");
    this.begun = true;
    const config = await this.source.load();
    const profiles = await this.loadProfiles();
    const connection = this.connect(profiles, config);
    if (config === undefined && this.options.given.queues === undefined) {
      throw new TypeError("queues or an executor config is needed: without either there is nothing to lease");
    }
    const plans = this.plan(config, connection);
    // Drained before it had begun.
    if (this.drained !== undefined) return;
    this.secrets.add(connection.token.value);
    this.machinery = buildMachinery(this.options, { connection, profiles }, this);
    this.state = "running";
    this.apply(config, plans);
    void this.keepRegistrationsAlive();
    if (this.source.isFile && this.options.configCheckMs > 0) void this.watchConfig();
  }

  private loadProfiles(): Promise<Profiles> {
    const { given, environment } = this.options;
    return loadProfiles(given.profilesPath ?? profilesPath(environment));
  }

  private connect(profiles: Profiles, config: ExecutorConfig | undefined): ConnectionSettings {
    const { given, environment } = this.options;
    return resolveConnection({ flags: given.connection ?? {}, environment, profiles, defaults: config?.defaults });
  }

  private createCredentials(config: ExecutorConfig | undefined): CredentialStore {
    const { environment, clock, credentials: local } = this.options;
    const { profiles } = this.required();
    return new CredentialStore({ config, local, environment, profiles, secrets: this.secrets, clock });
  }

  /** @throws {TypeError} when the plan does not fit the options */
  private plan(config: ExecutorConfig | undefined, connection: ConnectionSettings): readonly LanePlan[] {
    const { value, source } = connection.namespace;
    // A new config may have another default; whatever outranks it stays.
    const isDefault = source === "default" || source === "config";
    const namespace = isDefault ? (config?.defaults.namespace ?? DEFAULT_NAMESPACE) : value;
    const plans = planLanes(config, this.options.given.queues, namespace);
    if (plans.length === 0) throw new TypeError("the executor config maps no activity: there is nothing to lease");
    const groups = new Set(plans.map(({ group }) => group)).size;
    if (this.options.maxInFlight < groups) {
      throw new TypeError(`maxInFlight must be at least the number of carriers, ${groups}`);
    }
    return plans;
  }

  /** Puts a config to work: new lanes start, those without use end, tasks in flight go on as they began. */
  private apply(config: ExecutorConfig | undefined, plans: readonly LanePlan[]): void {
    const { slots, watch } = this.required();
    const { maxInFlight, maxInFlightPerCarrier } = this.options;
    this.inUse = { config, credentials: this.createCredentials(config) };
    this.told.clear();
    const groups = new Set(plans.map(({ group }) => group));
    this.perCarrier = maxInFlightPerCarrier ?? Math.max(1, Math.ceil(maxInFlight / Math.max(1, groups.size)));
    slots.configure(maxInFlight, this.perCarrier, groups);
    watch.keepOnly(groups);
    for (const { carrier } of config?.mappings ?? []) {
      const group = `carrier:${carrier.name}`;
      if (groups.has(group)) watch.locate(group, carrier);
    }
    this.lanes.arrange(plans);
    const carriers = new Set(config?.mappings.map(({ carrier }) => carrier.name)).size;
    this.events.emit({ type: "config_loaded", mappings: config?.mappings.length ?? 0, carriers });
  }

  private laneDeps(plan: LanePlan): Omit<LaneDeps, "onWaiting"> {
    const { client, slots, watch } = this.required();
    const { clock, pollSeconds, maxPolls, given } = this.options;
    return {
      client,
      clock,
      events: this.events,
      slots,
      breaker: () => watch.breaker(plan.group),
      buildId: given.buildId,
      pollSeconds,
      maxPolls: () => Math.min(maxPolls, this.perCarrier),
      slotsAdvertised: () => this.perCarrier,
      inUse: () => this.inUse,
      run: (leased) => this.run(leased),
    };
  }

  private async run({ task, plan, asPolled, isRegistered }: Leased): Promise<void> {
    const { client, watch, http, process: processes } = this.required();
    if (this.inUse === undefined) return;
    const { config, credentials } = inUseFor(task, this.inUse, asPolled);
    // Leased by a poll that could not be recalled: too late to begin with it.
    if (this.givenUp) return;
    // A poll that was repeated may be answered twice with the same attempt.
    if (this.runs.has(task.attemptId)) {
      this.events.emit({ type: "task_repeated", task: taskFacts(task) });
      return;
    }
    const breaker = watch.breaker(plan.group);
    const run = new TaskRun(task, {
      client,
      clock: this.options.clock,
      events: this.events,
      secrets: this.secrets,
      config,
      deliverer: { http, process: processes, credentials, renewedBy: task.leaseOwner },
      breaker,
      allowEngineCommands: this.options.given.allowEngineCommands ?? false,
      allowEngineTargets: this.options.given.allowEngineTargets ?? false,
      isRegistered,
      isNews: (what) => {
        const isNews = !this.told.has(what);
        this.told.add(what);
        return isNews;
      },
      onCarrier: ({ carrier }) => {
        if (plan.carrier === null) watch.locate(plan.group, carrier);
      },
    });
    const done = run.run().finally(() => {
      this.runs.delete(task.attemptId);
      if (breaker.state === "open") this.lanes.recallPolls(plan.group);
    });
    this.runs.set(task.attemptId, { run, done });
    await done;
  }

  private async keepRegistrationsAlive(): Promise<void> {
    const { clock, workerHeartbeatMs } = this.options;
    while (!this.ending.signal.aborted) {
      await pause(clock, workerHeartbeatMs, this.ending.signal);
      if (this.ending.signal.aborted) return;
      await this.lanes.heartbeat();
    }
  }

  private async watchConfig(): Promise<void> {
    const { clock, configCheckMs } = this.options;
    while (!this.ending.signal.aborted) {
      await pause(clock, configCheckMs, this.ending.signal);
      if (this.state === "running") await this.check(false);
    }
  }

  async reload(): Promise<boolean> {
    return this.state === "running" && this.check(true);
  }

  /** One after the other: what was read first must not be put to work last. */
  private check(force: boolean): Promise<boolean> {
    const checked = this.checking.then(() => this.checkOnce(force));
    this.checking = checked.catch(() => undefined);
    return checked;
  }

  private async checkOnce(force: boolean): Promise<boolean> {
    const look = await this.source.look(force);
    if (force) await this.reloadProfiles();
    if (this.state !== "running") return true;
    if (look.kind === "unchanged") {
      // Without a file there is still what the profiles hold.
      const config = this.inUse?.config;
      if (force) this.inUse = { config, credentials: this.createCredentials(config) };
      return true;
    }
    if (look.kind === "changed") {
      try {
        const plans = this.plan(look.config, this.required().connection);
        this.apply(look.config, plans);
        return true;
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        const errors = [configError("invalid_queue_binding", error.message)];
        this.events.emit({ type: "config_rejected", errors, message: error.message });
        return false;
      }
    }
    this.events.emit({ type: "config_rejected", errors: look.errors, message: look.message });
    return false;
  }

  /** Tokens may have changed. Where the engine is stays as it was; a broken file changes nothing. */
  private async reloadProfiles(): Promise<void> {
    const machinery = this.required();
    try {
      const profiles = await this.loadProfiles();
      machinery.connection = this.connect(profiles, this.inUse?.config);
      machinery.profiles = profiles;
      this.secrets.add(machinery.connection.token.value);
    } catch (error) {
      const message = error instanceof Error ? error.message : "the profiles file cannot be read";
      this.events.emit({ type: "config_rejected", errors: [], message });
    }
  }

  drain(): Promise<DrainReport> {
    this.drained ??= this.endAll();
    return this.drained;
  }

  kill(): void {
    this.machinery?.process.kill();
  }

  private async endAll(): Promise<DrainReport> {
    const { clock, drainMs } = this.options;
    if (this.machinery === undefined) {
      this.state = "stopped";
      return { abandoned: 0 };
    }
    this.state = "draining";
    this.ending.abort();
    this.events.emit({ type: "draining", inFlight: this.runs.size });
    const finished = new AbortController();
    const idle = this.untilIdle().then(() => finished.abort());
    await pause(clock, drainMs, finished.signal);
    const abandoned = this.runs.size;
    this.givenUp = true;
    for (const { run } of this.runs.values()) run.abandon();
    const goodbyes = Promise.all([...this.runs.values()].map(({ done }) => done)).then(() => this.lanes.deregister());
    const said = new AbortController();
    await Promise.race([goodbyes.then(() => said.abort()), pause(clock, GOODBYE_MS, said.signal)]);
    const { client, http, watch } = this.machinery;
    watch.close();
    // Polls that are still held, and requests that were given up, end with their connections.
    await Promise.all([client.close(), http.close()]);
    await Promise.all([idle, goodbyes]);
    this.state = "stopped";
    this.events.emit({ type: "stopped", abandoned });
    return { abandoned };
  }

  /** Resolves when nothing is polled for, and nothing is in flight. */
  private async untilIdle(): Promise<void> {
    await this.lanes.stopPolling();
    await Promise.all([...this.runs.values()].map(({ done }) => done));
  }

  health(): DispatcherHealth {
    const { machinery, state } = this;
    const { lanes, inFlight, protocolVersion, configErrors } = this.board;
    const carriers = [...(machinery?.watch.states() ?? [])].map(([group, breaker]) => ({
      carrier: group.replace(/^carrier:/, ""),
      state: breaker,
      slots: machinery?.slots.inUseOf(group) ?? 0,
    }));
    return {
      state,
      live: state !== "stopped",
      ready: state === "running" && lanes.some((lane) => lane.state === "polling" || lane.state === "full"),
      inFlight,
      lanes,
      carriers,
      protocolVersion,
      clockSkewMs: machinery?.client.serverClock.skewMs() ?? 0,
      configErrors,
    };
  }

  effectiveConfiguration(): EffectiveConfiguration | undefined {
    if (this.machinery === undefined) return undefined;
    return { connection: describeConnection(this.machinery.connection), ...this.source.describe() };
  }

  private required(): Machinery {
    if (this.machinery === undefined) throw new TypeError("the dispatcher has not been started");
    return this.machinery;
  }
}
