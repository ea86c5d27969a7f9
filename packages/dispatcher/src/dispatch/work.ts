import type { ExecutorConfig } from "@durable-workflow/engine-protocol/executor-config";
import { CredentialStore } from "../delivery/credentials.js";
import type { EventStream } from "../events/events.js";
import type { Secrets } from "../net/secrets.js";
import { pause } from "../time/clock.js";
import type { DispatcherHealth, DrainReport } from "./api.js";
import { Attempts } from "./attempts.js";
import type { ConfigInUse } from "./config-in-use.js";
import type { EngineAccess } from "./engine-access.js";
import type { LaneDeps } from "./lane.js";
import type { LanePlan } from "./lane-plan.js";
import { LaneSet } from "./lane-set.js";
import { buildMachinery, type Machinery } from "./machinery.js";
import type { ResolvedOptions } from "./options.js";

/** How long a drain waits, past its limit, for the engine to answer a last time. */
const GOODBYE_MS = 3_000;

export interface WorkOptions {
  readonly options: ResolvedOptions;
  readonly access: EngineAccess;
  readonly workerId: string;
  readonly events: EventStream;
  readonly secrets: Secrets;
}

/** What a dispatcher is from its start on: lanes that lease tasks, attempts that run, and the config that both go by. */
export class Work {
  private readonly options: WorkOptions;
  private readonly machinery: Machinery;
  private readonly attempts: Attempts;
  private readonly lanes: LaneSet;
  private inUse: ConfigInUse;
  private perCarrier = 1;

  constructor(options: WorkOptions, config: ExecutorConfig | undefined) {
    const { events, secrets, workerId } = options;
    this.options = options;
    this.machinery = buildMachinery(options.options, options.access, { events, secrets });
    this.attempts = new Attempts({
      options: options.options,
      machinery: this.machinery,
      events,
      secrets,
      inUse: () => this.inUse,
      onDeadCarrier: (group) => this.lanes.recallPolls(group),
    });
    this.lanes = new LaneSet({
      workerId,
      events,
      deps: (plan) => this.laneDeps(plan),
      freesLeases: () => this.machinery.client.freesLeasesAtRegistration,
    });
    this.inUse = this.readied(config);
  }

  get config(): ExecutorConfig | undefined {
    return this.inUse.config;
  }

  /** Puts a config to work: new lanes start, those without use end, tasks in flight go on as they began. */
  apply(config: ExecutorConfig | undefined, plans: readonly LanePlan[]): void {
    const { slots, watch } = this.machinery;
    const { maxInFlight, maxInFlightPerCarrier } = this.options.options;
    this.inUse = this.readied(config);
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
    this.options.events.emit({ type: "config_loaded", mappings: config?.mappings.length ?? 0, carriers });
  }

  /** Reads the credentials of the config in use again, by the profiles as they are now. */
  renewCredentials(): void {
    this.inUse = { ...this.readied(this.config), told: this.inUse.told };
  }

  private readied(config: ExecutorConfig | undefined): ConfigInUse {
    const { access, secrets, options } = this.options;
    const { environment, clock, credentials: local, authorizers } = options;
    const { profiles } = access;
    const credentials = new CredentialStore({ config, local, authorizers, environment, profiles, secrets, clock });
    return { config, credentials, told: new Set() };
  }

  private laneDeps(plan: LanePlan): Omit<LaneDeps, "onWaiting" | "nextWorkerId"> {
    const { client, slots, watch } = this.machinery;
    const { clock, pollSeconds, maxPolls, workerHeartbeatMs, given } = this.options.options;
    return {
      client,
      clock,
      events: this.options.events,
      slots,
      breaker: () => watch.breaker(plan.group),
      buildId: given.buildId,
      pollSeconds,
      maxPolls: () => Math.min(maxPolls, this.perCarrier),
      slotsAdvertised: () => this.perCarrier,
      // What the engine asks for counts, and what was asked for here where that is sooner.
      heartbeatMs: (advertisedMs) =>
        given.workerHeartbeatMs === undefined
          ? (advertisedMs ?? workerHeartbeatMs)
          : Math.min(workerHeartbeatMs, advertisedMs ?? workerHeartbeatMs),
      inUse: () => this.inUse,
      run: (leased) => this.attempts.run(leased),
    };
  }

  /** Stops leasing, waits for what is in flight as long as `drainMs` says, gives up the rest, and deregisters. */
  async drain(): Promise<DrainReport> {
    const { clock, drainMs } = this.options.options;
    const { events } = this.options;
    events.emit({ type: "draining", inFlight: this.attempts.count });
    const finished = new AbortController();
    const idle = this.untilIdle().then(() => finished.abort());
    await pause(clock, drainMs, finished.signal);
    const abandoned = this.attempts.count;
    this.attempts.giveUp();
    const goodbyes = this.attempts.untilEnded().then(() => this.lanes.deregister());
    const said = new AbortController();
    await Promise.race([goodbyes.then(() => said.abort()), pause(clock, GOODBYE_MS, said.signal)]);
    const { client, http, watch, payloads } = this.machinery;
    watch.close();
    // Polls that are still held, and requests that were given up, end with their connections.
    await Promise.all([client.close(), http.close(), payloads.close()]);
    await Promise.all([idle, goodbyes]);
    return { abandoned };
  }

  /** Resolves when nothing is polled for, and nothing is in flight. */
  private async untilIdle(): Promise<void> {
    await this.lanes.stopPolling();
    await this.attempts.untilEnded();
  }

  /** Kills the commands of process carriers. */
  kill(): void {
    this.machinery.process.kill();
  }

  /** Circuit breakers and slots, by carrier. */
  carriers(): DispatcherHealth["carriers"] {
    const { watch, slots } = this.machinery;
    return Array.from(watch.states(), ([group, state]) => {
      return { carrier: group.replace(/^carrier:/, ""), state, slots: slots.inUseOf(group) };
    });
  }

  /** How far the engine's clock is ahead of this machine's. */
  get clockSkewMs(): number {
    return this.machinery.client.serverClock.skewMs();
  }
}
