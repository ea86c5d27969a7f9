import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import type { Routing } from "../delivery/deliverer.js";
import type { PolledOutcome, PolledTask } from "../engine/polls.js";
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
import { untilReported } from "./until-reported.js";

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
  /** Keeps the lease of a task that no slot was taken for, and runs it once there is one. */
  readonly runLater: (polled: PolledTask, asPolled: Routing) => void;
}

/** What is asked for while others wait for a slot: the slot goes round. */
const SHORT_POLL_SECONDS = 1;
const TRIAL_YIELD_MS = 20;
/** A poll may ask for so many wherever there is work, so that tasks that come together go together. */
const FEW_TASKS = 8;
/** Polls that are held at once where one answer brings as many tasks as there are: the other is on its way meanwhile. */
const MOST_BATCH_POLLS = 2;

/**
 * The polls of a lane: as many at once as there is work and room for, and one where there is none. Where the engine hands out
 * several tasks in one answer, a poll asks for as many as there are free slots, and takes those slots before it asks: what it
 * brings begins at once. Without work it asks for one, so that slots are not kept from other lanes.
 */
export class LanePolls {
  private readonly lane: PolledLane;
  private readonly pollers = new Map<Poller, Promise<void>>();
  /** Pollers that go on. Several may be about to end at the same moment: each leaves this count before the next looks. */
  private goingOn = 0;
  /** Leases in a row that were over as they came. */
  private expired = 0;
  /** How many tasks the next poll asks for, where there are slots. */
  private toAskFor = 1;

  constructor(lane: PolledLane) {
    this.lane = lane;
  }

  /** Ends those that are held; what they have leased is asked for. */
  recall(): void {
    for (const poller of this.pollers.keys()) poller.recall();
  }

  /** Ends those that are held beyond the first, and the first, too, where it asks for more than one task. */
  recallSpare(): void {
    const held = [...this.pollers.keys()].filter(({ isHeld }) => isHeld);
    for (const [index, poller] of held.entries()) if (index > 0 || poller.maxTasks > 1) poller.recall();
  }

  /** Whether one is repeated whose answer was lost. */
  get areRepeated(): boolean {
    return [...this.pollers.keys()].some(({ isRepeating }) => isRepeating);
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
      holdSeconds: (maxTasks) => this.holdSeconds(maxTasks),
      isRecalled: () => this.isRecalled,
      isStopped: () => this.stopped,
      givenUp: deps.givenUp,
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
      const hasWaited = release === undefined;
      if (release === undefined) {
        // One of this lane's pollers is enough to wait.
        if (this.mayEnd()) return;
        release = await this.waitForSlot(slots, signal);
      }
      if (release === undefined) return;
      if (hasWaited) await untilReported(deps.client, clock, lane.facts.namespace);
      if (this.stopped) {
        release();
        return;
      }
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
      const taken = [release, ...this.moreSlots()];
      const { outcome, isRepeat } = await poller.poll(taken.length);
      const tookMs = clock.monotonic() - askedAt;
      events.emit({ type: "polled", lane: lane.facts, outcome: toldOutcome(outcome), durationMs: tookMs });
      const brought = outcome.kind === "tasks" ? outcome.tasks.filter((each) => each.kind === "task") : [];
      for (const task of brought) {
        const slot = taken.shift();
        // An engine that hands out more than it was asked for has leased it all the same.
        if (slot === undefined) lane.runLater(task, asPolled);
        else lane.run(task, asPolled, slot, isTrial ? breaker : undefined);
      }
      for (const unused of taken) unused();
      if (outcome.kind === "tasks" && brought.length > 0) {
        this.toAskFor = Math.min(this.nextToAskFor(brought.length, outcome.hasMore), deps.client.mostTasks);
      } else if (outcome.kind === "empty") this.toAskFor = 1;
      if (!isRepeat && brought.some(({ task }) => this.isOver(task))) {
        this.expired++;
        if (this.expired > 1) lane.enter("expired");
        await backoff.expired(this.expired, lane.facts);
        continue;
      }
      if (outcome.kind === "tasks" && brought.length > 0) {
        this.expired = 0;
        lane.enter("polling");
        backoff.succeeded();
        registration.trust();
        const mostPolls = this.mostPolls(brought.length, outcome.hasMore);
        if (!isTrial && !this.stopped && this.goingOn < mostPolls) this.add();
        if (brought.length === outcome.tasks.length) {
          if (this.goingOn > mostPolls && this.mayEnd()) return;
          await deliveriesFirst();
          continue;
        }
      }
      if (isTrial && brought.length === 0) breaker.returnTrial();
      // That an earlier registration is gone is not news, nor that this one is, once it is to end.
      const isOldNews = outcome.kind === "reregister" && (this.stopped || epoch !== registration.epoch);
      if (!isOldNews) await settlePoll(outcome, tookMs, { ...deps, ...lane, signal });
      if (brought.length > 0) continue;
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

  /** Slots beyond the one that a poll has, for as many tasks as it is to ask for. */
  private moreSlots(): Release[] {
    const { deps, group, backoff } = this.lane;
    const { slots, client, breaker } = deps;
    const more: Release[] = [];
    if (backoff.failing || breaker().state !== "closed" || slots.contends(group)) return more;
    while (more.length + 1 < Math.min(this.toAskFor, client.mostTasks)) {
      const release = slots.tryAcquire(group);
      if (release === undefined) break;
      more.push(release);
    }
    return more;
  }

  /**
   * Twice as many as the last answer has brought, or a few; where that is less than the last poll asked for, half of that. More
   * would keep slots from other lanes for nothing.
   *
   * @param tasks of the last answer
   * @param hasMore whether it ended before the tasks did
   */
  private nextToAskFor(tasks: number, hasMore: boolean): number {
    // Where answers end before the tasks do, more slots for each would keep other polls from asking.
    if (hasMore) return 2 * tasks;
    return Math.max(2 * tasks, Math.ceil(this.toAskFor / 2), Math.min(2 * this.toAskFor, FEW_TASKS));
  }

  /** @param tasks of the last answer. @param hasMore whether it ended before the tasks did */
  private mostPolls(tasks: number, hasMore: boolean): number {
    const { maxPolls, client } = this.lane.deps;
    // A poll for several is enough where tasks come one by one.
    return client.mostTasks === 1 || hasMore ? maxPolls() : Math.min(tasks > 1 ? MOST_BATCH_POLLS : 1, maxPolls());
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

  /**
   * After a failure a short poll shows soon whether the engine is back; a carrier's trial is not held by an empty queue; and
   * slots for several tasks are kept from others for a short time only.
   */
  private holdSeconds(maxTasks: number): number {
    const { deps, group, backoff } = this.lane;
    const { slots, pollSeconds } = deps;
    const isShort = maxTasks > 1 || slots.contends(group) || backoff.failing || deps.breaker().state !== "closed";
    return isShort ? Math.min(SHORT_POLL_SECONDS, pollSeconds) : pollSeconds;
  }
}

/** What has come is on its way to its carriers before more is asked for: nobody waits for the poll, but somebody may for the task. */
function deliveriesFirst(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** How an outcome is told: what a poll with one task has always been called. */
function toldOutcome(outcome: PolledOutcome): string {
  if (outcome.kind !== "tasks") return outcome.kind;
  return outcome.tasks.some(({ kind }) => kind === "task") ? "task" : "unreadable_task";
}
