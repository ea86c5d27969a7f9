import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import {
  type ConnectionReport,
  type ConnectionSettings,
  DEFAULT_NAMESPACE,
  describeConnection,
  resolveConnection,
} from "../config/connection.js";
import type { ConfigError } from "../config/errors.js";
import type { ExecutorConfig } from "../config/model.js";
import { loadProfiles, type Profiles, profilesPath } from "../config/profiles.js";
import { CredentialStore } from "../delivery/credentials.js";
import { HttpDeliverer } from "../delivery/http-carrier.js";
import { ProcessDeliverer } from "../delivery/process-carrier.js";
import { EngineClient } from "../engine/client.js";
import type { LeasedTask } from "../engine/task.js";
import { NetworkGuard } from "../net/guard.js";
import { Secrets } from "../net/secrets.js";
import { HealthBoard, type LaneHealth } from "../observe/board.js";
import { EventStream } from "../observe/events.js";
import { pause } from "../time/clock.js";
import type { BreakerState } from "./breaker.js";
import { CarrierWatch } from "./carriers.js";
import { ConfigSource } from "./config-source.js";
import { Lane } from "./lane.js";
import { type LanePlan, laneWorkerId, planLanes } from "./lanes.js";
import { type DispatcherOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { SlotPool } from "./slots.js";
import { TaskRun, taskFacts } from "./task-run.js";

export type DispatcherState = "new" | "running" | "draining" | "stopped";

export interface DispatcherHealth {
  readonly state: DispatcherState;
  /** False once it has stopped: a process that serves nothing else can end. */
  readonly live: boolean;
  /** Whether it leases tasks, or works on as many as it may. */
  readonly ready: boolean;
  /** Tasks leased and not yet ended. */
  readonly inFlight: number;
  readonly lanes: readonly LaneHealth[];
  /** Circuit breakers, by carrier. */
  readonly carriers: readonly { readonly carrier: string; readonly state: BreakerState; readonly slots: number }[];
  /** Version of the worker protocol; null until the engine has answered. */
  readonly protocolVersion: string | null;
  /** How far the engine's clock is ahead of this machine's. */
  readonly clockSkewMs: number;
  /** What is wrong with the executor config's newest version, while an older one is in use. */
  readonly configErrors: readonly ConfigError[];
}

export interface DrainReport {
  /** Tasks that were given up: their leases run out, and the engine hands them out again. */
  readonly abandoned: number;
}

export interface Dispatcher {
  /**
   * Loads the config and begins to lease tasks. It does not wait for the engine: until that answers, it is not ready.
   *
   * @throws {ExecutorConfigError} with everything that is wrong with the config
   * @throws {ProfileError} for a profile that does not exist
   * @throws {TypeError} naming a setting that cannot be used
   */
  start(): Promise<void>;
  /** Stops leasing, waits for tasks in flight as long as `drainMs` says, gives up the rest, and deregisters. */
  drain(): Promise<DrainReport>;
  /** Reads the executor config again. False when the file is broken: the old one stays in use. */
  reload(): Promise<boolean>;
  readonly events: EventStream;
  health(): DispatcherHealth;
  /** How the engine is reached, with the source of each setting; secrets are redacted. Undefined before `start`. */
  effectiveConnection(): ConnectionReport | undefined;
}

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

/** All that exists from `start` on. */
interface Machinery {
  connection: ConnectionSettings;
  readonly client: EngineClient;
  readonly slots: SlotPool;
  readonly watch: CarrierWatch;
  readonly http: HttpDeliverer;
  readonly process: ProcessDeliverer;
  profiles: Profiles;
}

class RunningDispatcher implements Dispatcher {
  readonly events = new EventStream();
  private readonly board = new HealthBoard(this.events);
  private readonly options: ResolvedOptions;
  private readonly source: ConfigSource;
  private readonly secrets = new Secrets();
  private readonly workerId: string;
  private readonly lanes = new Map<string, Lane>();
  /** Lanes that a new config has no use for, until their polls have ended. */
  private readonly retiring = new Set<Promise<void>>();
  private readonly runs = new Map<string, { readonly run: TaskRun; readonly done: Promise<void> }>();
  private readonly ending = new AbortController();
  /** What has been said of the config in use, and need not be said again. */
  private readonly told = new Set<string>();
  private givenUp = false;
  private machinery: Machinery | undefined;
  private config: ExecutorConfig | undefined;
  private credentials: CredentialStore | undefined;
  private state: DispatcherState = "new";
  private perCarrier = 1;
  private drained: Promise<DrainReport> | undefined;

  constructor(options: ResolvedOptions) {
    this.options = options;
    this.source = new ConfigSource(options);
    this.workerId = options.given.workerId ?? `${hostname()}-${process.pid}-${randomBytes(4).toString("hex")}`;
  }

  async start(): Promise<void> {
    if (this.state !== "new") throw new TypeError("a dispatcher can be started once");
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
    this.machinery = this.build(connection, profiles);
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

  private build(connection: ConnectionSettings, profiles: Profiles): Machinery {
    const { clock, requestTimeoutMs, denyPrivateNetworks, responseLimitBytes, connectTimeoutMs, environment } =
      this.options;
    const { events } = this;
    const guard = new NetworkGuard({ denyPrivateNetworks });
    return {
      connection,
      profiles,
      client: new EngineClient({
        serverUrl: connection.serverUrl.value,
        tlsVerify: connection.tlsVerify.value,
        token: () => (this.machinery?.connection ?? connection).token.value,
        scrub: (text) => this.secrets.scrub(text),
        clock,
        requestTimeoutMs,
        onVersion: (version, advertised) => events.emit({ type: "engine_version", version, advertised }),
      }),
      slots: new SlotPool(this.options.maxInFlight, 1, []),
      watch: new CarrierWatch({ clock, guard, events, limits: this.options.breaker, connectTimeoutMs }),
      http: new HttpDeliverer({ clock, guard, responseLimitBytes, connectTimeoutMs, ca: this.options.given.carrierCa }),
      process: new ProcessDeliverer({ clock, environment, outputLimitBytes: responseLimitBytes }),
    };
  }

  /** @throws {TypeError} when the plan does not fit the options */
  private plan(config: ExecutorConfig | undefined, connection: ConnectionSettings): readonly LanePlan[] {
    const { value, source } = connection.namespace;
    // A new config may have another default; whatever outranks it stays.
    const isDefault = source === "default" || source === "config";
    const namespace = isDefault ? (config?.defaults.namespace ?? DEFAULT_NAMESPACE) : value;
    const plans = planLanes(config, this.options.given.queues, namespace);
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
    this.config = config;
    this.told.clear();
    this.credentials = this.createCredentials(config);
    const groups = new Set(plans.map(({ group }) => group));
    this.perCarrier = maxInFlightPerCarrier ?? Math.max(1, Math.ceil(maxInFlight / Math.max(1, groups.size)));
    slots.configure(maxInFlight, this.perCarrier, groups);
    watch.keepOnly(groups);
    for (const { carrier } of config?.mappings ?? []) {
      const group = `carrier:${carrier.name}`;
      if (groups.has(group)) watch.locate(group, carrier);
    }
    const wanted = new Map(plans.map((plan) => [plan.key, plan]));
    for (const [key, lane] of this.lanes) {
      if (!wanted.has(key)) this.retire(key, lane);
    }
    for (const plan of plans) {
      const lane = this.lanes.get(plan.key);
      if (lane === undefined) this.addLane(plan);
      else lane.update(plan);
    }
    const carriers = new Set(config?.mappings.map(({ carrier }) => carrier.name)).size;
    this.events.emit({ type: "config_loaded", mappings: config?.mappings.length ?? 0, carriers });
  }

  private addLane(plan: LanePlan): void {
    const { client, slots, watch } = this.required();
    const { clock, pollSeconds, maxPolls, given } = this.options;
    const lane: Lane = new Lane(plan, laneWorkerId(this.workerId, plan), {
      client,
      clock,
      events: this.events,
      slots,
      breaker: () => watch.breaker(plan.group),
      buildId: given.buildId,
      pollSeconds,
      maxPolls: () => Math.min(maxPolls, this.perCarrier),
      slotsAdvertised: () => this.perCarrier,
      onWaiting: () => this.freeSlots(lane, plan.group),
      run: (task, lanePlan) => this.run(task, lanePlan),
    });
    this.lanes.set(plan.key, lane);
    lane.start();
  }

  private retire(key: string, lane: Lane): void {
    this.lanes.delete(key);
    this.events.emit({ type: "lane_retired", lane: lane.facts });
    const gone: Promise<void> = lane
      .stopPolling()
      .then(() => lane.untilIdle())
      .then(() => lane.deregister())
      .finally(() => {
        this.retiring.delete(gone);
      });
    this.retiring.add(gone);
  }

  private async run(task: LeasedTask, plan: LanePlan): Promise<void> {
    const { client, watch, http, process: processes } = this.required();
    const { credentials } = this;
    if (credentials === undefined) return;
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
      config: this.config,
      deliverer: { http, process: processes, credentials, renewedBy: task.leaseOwner },
      breaker,
      allowEngineCommands: this.options.given.allowEngineCommands ?? false,
      isNews: (what) => !this.told.has(what) && this.told.add(what) !== undefined,
      onCarrier: ({ carrier }) => {
        if (plan.carrier === null) watch.locate(plan.group, carrier);
      },
    });
    const done = run.run().finally(() => {
      this.runs.delete(task.attemptId);
      if (breaker.state === "open") this.recallPolls(plan.group);
    });
    this.runs.set(task.attemptId, { run, done });
    await done;
  }

  /** Polls that are held without need are recalled, so that their slots go round: where nothing comes, a lane needs one. */
  private freeSlots(waiting: Lane, group: string): void {
    for (const lane of this.lanes.values()) {
      if (lane === waiting) continue;
      if (lane.group === group) lane.recallPolls();
      else lane.recallSparePolls();
    }
  }

  /** Polls that are held for a carrier that has turned out dead are recalled. */
  private recallPolls(group: string): void {
    for (const lane of this.lanes.values()) {
      if (lane.group === group) lane.recallPolls();
    }
  }

  private async keepRegistrationsAlive(): Promise<void> {
    const { clock, workerHeartbeatMs } = this.options;
    while (!this.ending.signal.aborted) {
      await pause(clock, workerHeartbeatMs, this.ending.signal);
      if (this.ending.signal.aborted) return;
      await Promise.all([...this.lanes.values()].map((lane) => lane.heartbeat()));
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

  private async check(force: boolean): Promise<boolean> {
    const look = await this.source.look(force);
    if (force) await this.reloadProfiles();
    if (this.state !== "running") return true;
    if (look.kind === "unchanged") {
      // Without a file there is still what the profiles hold.
      if (force) this.credentials = this.createCredentials(this.config);
      return true;
    }
    if (look.kind === "changed") {
      try {
        const plans = this.plan(look.config, this.required().connection);
        this.apply(look.config, plans);
        return true;
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        this.events.emit({ type: "config_rejected", errors: [], message: error.message });
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
      machinery.connection = this.connect(profiles, this.config);
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

  private async endAll(): Promise<DrainReport> {
    const { clock, drainMs } = this.options;
    if (this.machinery === undefined) {
      this.state = "stopped";
      return { abandoned: 0 };
    }
    this.state = "draining";
    this.ending.abort();
    this.events.emit({ type: "draining", inFlight: this.runs.size });
    const lanes = [...this.lanes.values()];
    const finished = new AbortController();
    const idle = this.untilIdle(lanes).then(() => finished.abort());
    await pause(clock, drainMs, finished.signal);
    const abandoned = this.runs.size;
    this.givenUp = true;
    for (const { run } of this.runs.values()) run.abandon();
    const goodbyes = Promise.all([...this.runs.values()].map(({ done }) => done)).then(() =>
      Promise.all(lanes.map((lane) => lane.deregister())),
    );
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
  private async untilIdle(lanes: readonly Lane[]): Promise<void> {
    await Promise.all([...lanes.map((lane) => lane.stopPolling()), ...this.retiring]);
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

  effectiveConnection(): ConnectionReport | undefined {
    return this.machinery === undefined ? undefined : describeConnection(this.machinery.connection);
  }

  private required(): Machinery {
    if (this.machinery === undefined) throw new TypeError("the dispatcher has not been started");
    return this.machinery;
  }
}
