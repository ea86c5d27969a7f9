import type { Carrier } from "@durable-workflow/engine-protocol/executor-config";
import type { Deliverer } from "../delivery/deliverer.js";
import type { EventStream } from "../events/events.js";
import type { Secrets } from "../net/secrets.js";
import { CallOff } from "../time/call-off.js";
import { pause } from "../time/clock.js";
import type { DispatcherHealth, DrainReport } from "./api.js";
import { Attempts } from "./attempts.js";
import type { LaneDeps } from "./lane-deps.js";
import type { LanePlan } from "./lane-plan.js";
import { LaneSet } from "./lane-set.js";
import type { Machinery } from "./machinery.js";
import type { WorkSettings } from "./work-settings.js";

/** How long a drain waits, past its limit, for the engine to answer a last time. */
const GOODBYE_MS = 3_000;

export interface WorkOptions {
  readonly settings: WorkSettings;
  readonly machinery: Machinery;
  readonly deliverer: Deliverer;
  readonly workerId: string;
  readonly events: EventStream;
  readonly secrets: Secrets;
  /** As that of lanes. Default: this process always has time for more. */
  readonly untilRecovered?: LaneDeps["untilRecovered"];
}

/** Lanes that lease tasks, attempts that run, and the deliverer that brings them to what runs them. */
export class Work {
  private readonly options: WorkOptions;
  private readonly attempts: Attempts;
  private readonly lanes: LaneSet;
  private readonly givenUp = new CallOff();
  private perCarrier = 1;

  constructor(options: WorkOptions) {
    const { settings, machinery, deliverer, events, secrets, workerId } = options;
    this.options = options;
    this.attempts = new Attempts({
      settings,
      machinery,
      events,
      secrets,
      routing: () => deliverer.routing,
      onDeadCarrier: (group) => this.lanes.recallPolls(group),
    });
    this.lanes = new LaneSet({
      workerId,
      events,
      deps: (plan) => this.laneDeps(plan),
      freesLeases: () => machinery.client.freesLeasesAtRegistration,
    });
  }

  /**
   * Leases by these plans from now on: new lanes start, those without use end, tasks in flight go on as they began.
   *
   * @param located where carriers are, by group, as far as that is known
   */
  arrange(plans: readonly LanePlan[], located: ReadonlyMap<string, Carrier> = new Map()): void {
    const { settings, machinery } = this.options;
    const { maxInFlight, maxInFlightPerCarrier } = settings;
    const { slots, watch } = machinery;
    const groups = new Set(plans.map(({ group }) => group));
    this.perCarrier = maxInFlightPerCarrier ?? Math.max(1, Math.ceil(maxInFlight / Math.max(1, groups.size)));
    slots.configure(maxInFlight, this.perCarrier, groups);
    watch.keepOnly(groups);
    for (const [group, carrier] of located) if (groups.has(group)) watch.locate(group, carrier);
    this.lanes.arrange(plans);
  }

  private laneDeps(plan: LanePlan): Omit<LaneDeps, "onWaiting" | "nextWorkerId"> {
    const { settings, machinery, deliverer } = this.options;
    const { client, slots, watch } = machinery;
    const { clock, pollSeconds, maxPolls, workerHeartbeatMs, given } = settings;
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
      givenUp: this.givenUp,
      routing: () => deliverer.routing,
      ...(this.options.untilRecovered === undefined ? {} : { untilRecovered: this.options.untilRecovered }),
      inputSchemas: async (request) => deliverer.inputSchemas?.(request),
      run: (leased) => this.attempts.run(leased),
    };
  }

  /** Stops leasing, waits for what is in flight as long as `drainMs` says, gives up the rest, and deregisters. */
  async drain(): Promise<DrainReport> {
    const { settings, machinery, deliverer, events } = this.options;
    const { clock, drainMs } = settings;
    events.emit({ type: "draining", inFlight: this.attempts.count });
    const finished = new AbortController();
    const idle = this.untilIdle().then(() => finished.abort());
    await pause(clock, drainMs, finished.signal);
    const abandoned = this.attempts.count + this.attempts.left;
    this.giveUp();
    const goodbyes = this.attempts.untilEnded().then(() => this.lanes.deregister());
    const said = new AbortController();
    await Promise.race([goodbyes.then(() => said.abort()), pause(clock, GOODBYE_MS, said.signal)]);
    const { client, watch, payloads } = machinery;
    watch.close();
    // Polls that are still held, and requests that were given up, end with their connections.
    await Promise.all([client.close(), deliverer.close(), payloads.close()]);
    await Promise.all([idle, goodbyes]);
    return { abandoned };
  }

  /** Resolves when nothing is polled for, and nothing is in flight. */
  private async untilIdle(): Promise<void> {
    await this.lanes.stopPolling();
    await this.attempts.untilEnded();
  }

  /** Calls off what is in flight, and asks no more for what polls may have leased. */
  private giveUp(): void {
    this.givenUp.abort(undefined);
    this.attempts.giveUp();
  }

  /** Ends at once what would outlive this process. */
  kill(): void {
    this.options.deliverer.kill();
  }

  /** Ends at once: what is in flight is given up, nothing is reported or taken back, and connections are cut. */
  async abandon(): Promise<void> {
    const { client, watch, payloads } = this.options.machinery;
    this.giveUp();
    watch.close();
    const stopped = this.lanes.stopPolling();
    await Promise.all([client.close(), this.options.deliverer.close(), payloads.close()]);
    await stopped;
  }

  /** Circuit breakers and slots, by carrier. */
  carriers(): DispatcherHealth["carriers"] {
    const { watch, slots } = this.options.machinery;
    return Array.from(watch.states(), ([group, state]) => {
      return { carrier: group.replace(/^carrier:/, ""), state, slots: slots.inUseOf(group) };
    });
  }

  /** How far the engine's clock is ahead of this machine's. */
  get clockSkewMs(): number {
    return this.options.machinery.client.serverClock.skewMs();
  }
}
