import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import type { Routing } from "../delivery/deliverer.js";
import type { PolledOutcome } from "../engine/client.js";
import type { LaneFacts } from "../events/events.js";
import type { LaneState } from "../events/states.js";
import type { StopSignal } from "../time/call-off.js";
import { pause } from "../time/clock.js";
import type { CarrierBreaker } from "./breaker.js";
import type { EngineBackoff } from "./engine-backoff.js";
import type { LaneDeps } from "./lane-deps.js";
import { Poller } from "./poller.js";
import type { Registration } from "./registration.js";
import { settlePoll } from "./settle-poll.js";
import type { Release, SlotPool } from "./slots.js";

/** A task as a poll has brought it. */
export type PolledTask = Extract<PolledOutcome, { kind: "task" }>;

/** The lane that is polled for. */
export interface PolledLane {
  readonly deps: LaneDeps;
  readonly facts: LaneFacts;
  readonly group: string;
  readonly state: LaneState;
  readonly registration: Registration;
  readonly backoff: EngineBackoff;
  /** Aborted once nothing is to be leased any more. */
  readonly stopping: StopSignal;
  readonly enter: (state: LaneState) => void;
  /** Runs a task in this slot; `onTrial` is the breaker whose trial it is. */
  readonly run: (polled: PolledTask, asPolled: Routing, release: Release, onTrial: CarrierBreaker | undefined) => void;
}

/** What is asked for while others wait for a slot: the slot goes round. */
const SHORT_POLL_SECONDS = 1;
const TRIAL_YIELD_MS = 20;

/** The polls of a lane: as many at once as there is work and room for, and one where there is none. */
export class LanePolls {
  private readonly lane: PolledLane;
  private readonly pollers = new Map<Poller, Promise<void>>();
  /** Pollers that go on. Several may be about to end at the same moment: each leaves this count before the next looks. */
  private goingOn = 0;
  /** Leases in a row that were over as they came. */
  private expired = 0;

  constructor(lane: PolledLane) {
    this.lane = lane;
  }

  /** Ends those that are held; what they have leased is asked for. */
  recall(): void {
    for (const poller of this.pollers.keys()) poller.recall();
  }

  /** Ends those that are held beyond the first. */
  recallSpare(): void {
    const held = [...this.pollers.keys()].filter(({ isHeld }) => isHeld);
    for (const poller of held.slice(1)) poller.recall();
  }

  /** Resolves once none goes on. */
  async untilEnded(): Promise<void> {
    await Promise.all(this.pollers.values());
  }

  private get stopped(): boolean {
    return this.lane.stopping.aborted;
  }

  /** Whether held polls are of no more use: what they have leased is still asked for. */
  private get isRecalled(): boolean {
    return this.stopped || this.lane.deps.breaker().state === "open";
  }

  add(): void {
    const { deps, backoff } = this.lane;
    this.goingOn++;
    const poller = new Poller({
      client: deps.client,
      clock: deps.clock,
      backoff,
      subject: () => ({ ...this.lane.facts, buildId: deps.buildId }),
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
    const { lane } = this;
    const { deps, registration, backoff } = lane;
    const { slots, events, clock } = deps;
    const signal = lane.stopping;
    while (!this.stopped) {
      if (!registration.isCurrent) {
        if (await registration.renew()) lane.enter("polling");
        continue;
      }
      const breaker = deps.breaker();
      if (breaker.state === "open") {
        await this.untilChanged(breaker);
        continue;
      }
      const recovering = deps.untilRecovered?.();
      if (recovering !== undefined) {
        await recovering;
        continue;
      }
      let release = slots.tryAcquire(lane.group);
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
      const { epoch } = registration;
      const asPolled = deps.routing();
      const askedAt = clock.monotonic();
      const { outcome, isRepeat } = await poller.poll();
      const tookMs = clock.monotonic() - askedAt;
      events.emit({ type: "polled", lane: lane.facts, outcome: outcome.kind, durationMs: tookMs });
      if (outcome.kind === "task" && !isRepeat && this.isOver(outcome.task)) {
        lane.run(outcome, asPolled, release, isTrial ? breaker : undefined);
        this.expired++;
        if (this.expired > 1) lane.enter("expired");
        await backoff.expired(this.expired, lane.facts);
        continue;
      }
      if (outcome.kind === "task") {
        this.expired = 0;
        lane.run(outcome, asPolled, release, isTrial ? breaker : undefined);
        lane.enter("polling");
        backoff.succeeded();
        registration.trust();
        if (!isTrial && !this.stopped && this.goingOn < deps.maxPolls()) this.add();
        continue;
      }
      release();
      if (isTrial) breaker.returnTrial();
      // That an earlier registration is gone is not news, nor that this one is, once it is to end.
      const isOldNews = outcome.kind === "reregister" && (this.stopped || epoch !== registration.epoch);
      if (!isOldNews) await settlePoll(outcome, tookMs, { ...deps, ...lane, signal });
      // Those who wait for the trial take it now: it must not stay with a queue that has no work.
      if (isTrial) await pause(clock, TRIAL_YIELD_MS, signal);
      // Without work one held poll is enough.
      if (this.mayEnd()) return;
    }
  }

  /** A lease that has just been granted cannot be; one that a repeated poll is told of again can. */
  private isOver({ leaseExpiresAtMs }: LeasedTask): boolean {
    return leaseExpiresAtMs <= this.lane.deps.client.serverClock.earliest();
  }

  /** Whether a poller that asks is to end: one always goes on. */
  private mayEnd(): boolean {
    if (this.goingOn <= 1) return false;
    this.goingOn--;
    return true;
  }

  private async waitForSlot(slots: SlotPool, signal: StopSignal): Promise<Release | undefined> {
    const { lane } = this;
    const breaker = lane.deps.breaker();
    if (lane.state === "polling") lane.enter("full");
    // All slots may be taken by tasks that are held for a carrier that is down.
    const takeBack = breaker.whenChanged(() => {
      if (breaker.state === "open") lane.enter("paused");
    });
    const granted = slots.acquire(lane.group, signal);
    lane.deps.onWaiting();
    const release = await granted;
    takeBack();
    if (lane.state === "full" || (lane.state === "paused" && breaker.state !== "open")) lane.enter("polling");
    return release;
  }

  private async untilChanged(breaker: CarrierBreaker): Promise<void> {
    const { lane } = this;
    if (breaker.state === "open") lane.enter("paused");
    const signal = lane.stopping;
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
    if (lane.state === "paused" && breaker.state !== "open") lane.enter("polling");
  }

  /** After a failure a short poll shows soon whether the engine is back; a carrier's trial is not held by an empty queue. */
  private holdSeconds(): number {
    const { deps, group, backoff } = this.lane;
    const { slots, pollSeconds } = deps;
    const isShort = slots.contends(group) || backoff.failing || deps.breaker().state !== "closed";
    return isShort ? Math.min(SHORT_POLL_SECONDS, pollSeconds) : pollSeconds;
  }
}
