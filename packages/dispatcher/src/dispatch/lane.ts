import { setMaxListeners } from "node:events";
import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import type { EngineClient, PolledOutcome } from "../engine/client.js";
import type { LeaseGrant } from "../engine/lease-grant.js";
import type { EventStream, LaneFacts } from "../events/events.js";
import type { LaneState } from "../events/states.js";
import { type Clock, pause } from "../time/clock.js";
import type { CarrierBreaker } from "./breaker.js";
import type { ConfigInUse } from "./config-in-use.js";
import { EngineBackoff } from "./engine-backoff.js";
import type { LanePlan } from "./lane-plan.js";
import { Poller } from "./poller.js";
import { Registration } from "./registration.js";
import { type PollingLane, settlePoll } from "./settle-poll.js";
import type { Release, SlotPool } from "./slots.js";

export interface LaneDeps {
  readonly client: EngineClient;
  readonly clock: Clock;
  readonly events: EventStream;
  readonly slots: SlotPool;
  readonly breaker: () => CarrierBreaker;
  readonly buildId: string | undefined;
  readonly pollSeconds: number;
  readonly maxPolls: () => number;
  readonly slotsAdvertised: () => number;
  /** How often to tell the engine of the registration. @param advertisedMs what it asks for; null for nothing */
  readonly heartbeatMs: (advertisedMs: number | null) => number;
  /** Another name to register under; none is given twice. */
  readonly nextWorkerId: () => string;
  /** Told that this lane waits for a slot, which polls of others may hold idly. */
  readonly onWaiting: () => void;
  readonly inUse: () => ConfigInUse | undefined;
  /** Runs a task to its end. */
  readonly run: (leased: Leased) => Promise<void>;
}

/** A task as a lane has leased it. */
export interface Leased {
  readonly task: LeasedTask;
  /** How long its lease lasts, where leases are renewed; null where heartbeats keep it. */
  readonly grant: LeaseGrant | null;
  readonly plan: LanePlan;
  /** What was in use as its poll began. */
  readonly asPolled: ConfigInUse | undefined;
  /** Whether the lane has ever registered the task's type. */
  readonly isRegistered: boolean;
}

type PolledTask = Extract<PolledOutcome, { kind: "task" }>;

/** What is asked for while others wait for a slot: the slot goes round. */
const SHORT_POLL_SECONDS = 1;
const TRIAL_YIELD_MS = 20;
/** How long an engine is asked to end a registration. */
const GOODBYE_MS = 3_000;
/** How long a held poll has to come back by itself once its registration has ended. */
const HELD_POLL_ENDS_MS = 300;
/** One registration with the engine: polls for as many tasks as there are free slots, and has each of them run. */
export class Lane {
  private name: string;
  private plan: LanePlan;
  private readonly deps: LaneDeps;
  private readonly stopping = new AbortController();
  private readonly pollers = new Map<Poller, Promise<void>>();
  private readonly tasks = new Set<Promise<void>>();
  private readonly backoff: EngineBackoff;
  private readonly registration: Registration;
  /** Pollers that go on. Several may be about to end at the same moment: each leaves this count before the next looks. */
  private goingOn = 0;
  private current: LaneState = "starting";
  private readonly registeredTypes: Set<string>;
  /** Leases in a row that were over as they came. */
  private expired = 0;

  constructor(plan: LanePlan, workerId: string, deps: LaneDeps) {
    this.plan = plan;
    this.registeredTypes = new Set(plan.activityTypes);
    this.name = workerId;
    this.deps = deps;
    // Each poller listens to it while it waits.
    setMaxListeners(0, this.stopping.signal);
    const { client, clock, events, buildId, slotsAdvertised } = deps;
    const { signal } = this.stopping;
    this.backoff = new EngineBackoff({ clock, events, signal, onWait: () => this.enter("waiting") });
    this.registration = new Registration({
      client,
      clock,
      signal,
      events,
      backoff: this.backoff,
      buildId,
      slots: slotsAdvertised,
      lane: () => this.facts,
      activityTypes: () => this.plan.activityTypes,
      heartbeatMs: deps.heartbeatMs,
      hasTasks: () => this.tasks.size > 0,
      rename: (reason) => this.rename(reason),
    });
  }

  /** What its limits and its circuit breaker are kept for. */
  get group(): string {
    return this.plan.group;
  }

  get facts(): LaneFacts {
    const { namespace, taskQueue, carrier } = this.plan;
    return { namespace, taskQueue, carrier, workerId: this.name };
  }

  private rename(reason: string): void {
    const previousId = this.name;
    this.name = this.deps.nextWorkerId();
    this.deps.events.emit({ type: "worker_renamed", lane: this.facts, previousId, reason });
  }

  start(): void {
    this.deps.events.emit({ type: "lane_state", lane: this.facts, state: this.current });
    this.addPoller();
  }

  private enter(state: LaneState): void {
    if (state === this.current || this.current === "stopped") return;
    this.current = state;
    this.deps.events.emit({ type: "lane_state", lane: this.facts, state });
  }

  /** Whether a plan of the same key is for other activity types. */
  differs(plan: LanePlan): boolean {
    return JSON.stringify(plan.activityTypes) !== JSON.stringify(this.plan.activityTypes);
  }

  /**
   * Takes on a changed plan of the same key: the engine is told at once, and polled with it. Polls that are held go on as
   * they began: one that is recalled may have a task by then that nobody would hear of.
   */
  update(plan: LanePlan): void {
    if (!this.differs(plan)) return;
    this.plan = plan;
    for (const type of plan.activityTypes) this.registeredTypes.add(type);
    this.registration.outdate();
    this.addPoller();
  }

  /** Ends held polls, so that nothing is leased through them: where the engine can be asked what it had leased already. */
  recallPolls(): void {
    if (!this.deps.client.repeatsPolls) return;
    for (const poller of this.pollers.keys()) poller.recall();
  }

  /** Ends the held polls beyond the first: as {@link recallPolls}. */
  recallSparePolls(): void {
    if (!this.deps.client.repeatsPolls) return;
    const held = [...this.pollers.keys()].filter(({ isHeld }) => isHeld);
    for (const poller of held.slice(1)) poller.recall();
  }

  /**
   * Resolves when nothing is polled for any more. Tasks that were leased go on. Where registrations end by their tokens, this
   * one ends first: the engine leases nothing to it from then on, and held polls come back by themselves, or when asked once more.
   */
  async stopPolling(): Promise<void> {
    this.stopping.abort();
    if (this.registration.isFenced) {
      await this.registration.end(GOODBYE_MS);
      const ended = new AbortController();
      void Promise.all(this.pollers.values()).then(() => ended.abort());
      await pause(this.deps.clock, HELD_POLL_ENDS_MS, ended.signal);
    }
    this.recallPolls();
    await Promise.all(this.pollers.values());
    this.enter("stopped");
  }

  /** Resolves when the tasks it has leased have ended. */
  async untilIdle(): Promise<void> {
    await Promise.all(this.tasks);
  }

  deregister(): Promise<void> {
    return this.registration.end(GOODBYE_MS);
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Whether held polls are of no more use: what they have leased is still asked for. */
  private get isRecalled(): boolean {
    return this.stopped || this.deps.breaker().state === "open";
  }

  private addPoller(): void {
    this.goingOn++;
    const poller = new Poller({
      client: this.deps.client,
      clock: this.deps.clock,
      backoff: this.backoff,
      subject: () => ({ ...this.facts, buildId: this.deps.buildId }),
      holdSeconds: () => this.holdSeconds(),
      isRecalled: () => this.isRecalled,
      isStopped: () => this.stopped,
    });
    const ended = this.pollLoop(poller).finally(() => this.pollers.delete(poller));
    this.pollers.set(
      poller,
      ended.then(() => undefined),
    );
  }

  private async pollLoop(poller: Poller): Promise<void> {
    const { slots, events } = this.deps;
    const { signal } = this.stopping;
    while (!this.stopped) {
      if (!this.registration.isCurrent) {
        if (await this.registration.renew()) this.enter("polling");
        continue;
      }
      const breaker = this.deps.breaker();
      if (breaker.state === "open") {
        await this.untilChanged(breaker);
        continue;
      }
      let release = slots.tryAcquire(this.plan.group);
      if (release === undefined) {
        // One of this lane's pollers is enough to wait.
        if (this.mayEnd()) return;
        release = await this.waitForSlot(slots, signal);
      }
      if (release === undefined) return;
      // The breaker may have opened while a slot was waited for.
      if (!breaker.tryPass()) {
        release();
        await this.untilChanged(breaker);
        continue;
      }
      const isTrial = breaker.state !== "closed";
      const { epoch } = this.registration;
      const asPolled = this.deps.inUse();
      const askedAt = this.deps.clock.monotonic();
      const { outcome, isRepeat } = await poller.poll();
      const tookMs = this.deps.clock.monotonic() - askedAt;
      events.emit({ type: "polled", lane: this.facts, outcome: outcome.kind, durationMs: tookMs });
      if (outcome.kind === "task" && !isRepeat && this.isOver(outcome.task)) {
        this.runTask(this.run(outcome, asPolled), release, isTrial ? breaker : undefined);
        this.expired++;
        if (this.expired > 1) this.enter("expired");
        await this.backoff.expired(this.expired, this.facts);
        continue;
      }
      if (outcome.kind === "task") {
        this.expired = 0;
        this.runTask(this.run(outcome, asPolled), release, isTrial ? breaker : undefined);
        this.enter("polling");
        this.backoff.succeeded();
        this.registration.trust();
        if (!isTrial && !this.stopped && this.goingOn < this.deps.maxPolls()) this.addPoller();
        continue;
      }
      release();
      if (isTrial) breaker.returnTrial();
      // That an earlier registration is gone is not news, nor that this one is, once it is to end.
      const isOldNews = outcome.kind === "reregister" && (this.stopped || epoch !== this.registration.epoch);
      if (!isOldNews) await settlePoll(outcome, tookMs, this.polling());
      // Those who wait for the trial take it now: it must not stay with a queue that has no work.
      if (isTrial) await pause(this.deps.clock, TRIAL_YIELD_MS, signal);
      // Without work one held poll is enough.
      if (this.mayEnd()) return;
    }
  }

  /** A lease that has just been granted cannot be; one that a repeated poll is told of again can. */
  private isOver({ leaseExpiresAtMs }: LeasedTask): boolean {
    return leaseExpiresAtMs <= this.deps.client.serverClock.earliest();
  }

  /** Whether a poller that asks is to end: one always goes on. */
  private mayEnd(): boolean {
    if (this.goingOn <= 1) return false;
    this.goingOn--;
    return true;
  }

  private async waitForSlot(slots: SlotPool, signal: AbortSignal): Promise<Release | undefined> {
    if (this.current === "polling") this.enter("full");
    const granted = slots.acquire(this.plan.group, signal);
    this.deps.onWaiting();
    const release = await granted;
    if (this.current === "full") this.enter("polling");
    return release;
  }

  private async untilChanged(breaker: CarrierBreaker): Promise<void> {
    if (breaker.state === "open") this.enter("paused");
    const { signal } = this.stopping;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        takeBack();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const takeBack = breaker.whenChanged(done);
      signal.addEventListener("abort", done, { once: true });
    });
    if (this.current === "paused" && breaker.state !== "open") this.enter("polling");
  }

  private run({ task, grant }: PolledTask, asPolled: ConfigInUse | undefined): Promise<void> {
    const isRegistered = this.registeredTypes.has(task.activityType);
    return this.deps.run({ task, grant, plan: this.plan, asPolled, isRegistered });
  }

  private runTask(running: Promise<void>, release: Release, onTrial: CarrierBreaker | undefined): void {
    const run: Promise<void> = running.finally(() => {
      this.tasks.delete(run);
      release();
      // Does nothing when the outcome has settled the matter.
      onTrial?.returnTrial();
    });
    this.tasks.add(run);
  }

  /** After a failure a short poll shows soon whether the engine is back; a carrier's trial is not held by an empty queue. */
  private holdSeconds(): number {
    const { slots, pollSeconds } = this.deps;
    const isShort = slots.contends(this.group) || this.backoff.failing || this.deps.breaker().state !== "closed";
    return isShort ? Math.min(SHORT_POLL_SECONDS, pollSeconds) : pollSeconds;
  }

  private polling(): PollingLane {
    const { facts, registration, backoff } = this;
    const { client, clock, events } = this.deps;
    const { signal } = this.stopping;
    return { client, clock, events, signal, facts, registration, backoff, enter: (state) => this.enter(state) };
  }
}
