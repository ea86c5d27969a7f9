import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { EngineClient } from "../engine/client.js";
import type { PollOutcome, Unavailable } from "../engine/outcomes.js";
import { demandsOf } from "@durable-workflow/engine-protocol";
import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import { excerpt, recordableFailure } from "../engine/recordable.js";
import { NO_SECRETS } from "../net/secrets.js";
import type { EventStream, LaneFacts } from "../observe/events.js";
import { type Clock, pause } from "../time/clock.js";
import type { CarrierBreaker } from "./breaker.js";
import { EngineBackoff } from "./engine-backoff.js";
import type { ConfigInUse } from "./in-use.js";
import type { LanePlan } from "./lanes.js";
import { Registration } from "./registration.js";
import type { Release, SlotPool } from "./slots.js";

export type LaneState =
  | "starting" // not registered yet
  | "polling" // waits for tasks
  | "full" // as many tasks in flight as are allowed
  | "paused" // the carrier's circuit breaker is open
  | "waiting" // the engine does not answer, or refuses
  | "expired" // leases are over as they come
  | "stopped";

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
  /** Told that this lane waits for a slot, which polls of others may hold idly. */
  readonly onWaiting: () => void;
  readonly inUse: () => ConfigInUse | undefined;
  /** Runs a task to its end. */
  readonly run: (leased: Leased) => Promise<void>;
}

/** A task as a lane has leased it. */
export interface Leased {
  readonly task: LeasedTask;
  readonly plan: LanePlan;
  /** What was in use as its poll began. */
  readonly asPolled: ConfigInUse | undefined;
  /** Whether the lane has ever registered the task's type. */
  readonly isRegistered: boolean;
}

/** What is asked for while others wait for a slot: the slot goes round. */
const SHORT_POLL_SECONDS = 1;
/** A poll that was to be held and is answered at once without a task is not repeated at once. */
const HASTY_MS = 200;
const HASTY_PAUSE_MS = 500;
/** How engines say that there was nothing. */
const EMPTY: ReadonlySet<string> = new Set(["empty", "timeout"]);
const DRAINED_PAUSE_MS = 10_000;
const TRIAL_YIELD_MS = 20;
/** A poll's id is kept while its answers are lost, so that a task leased meanwhile is found; not for ever. */
const LONGEST_REQUEST_LIFE = 4;

/** One registration with the engine: polls for as many tasks as there are free slots, and has each of them run. */
export class Lane {
  readonly workerId: string;
  private plan: LanePlan;
  private readonly deps: LaneDeps;
  private readonly stopping = new AbortController();
  private readonly held = new Set<AbortController>();
  private readonly pollers = new Set<Promise<void>>();
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
    this.workerId = workerId;
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
    });
  }

  /** What its limits and its circuit breaker are kept for. */
  get group(): string {
    return this.plan.group;
  }

  get facts(): LaneFacts {
    const { namespace, taskQueue, carrier } = this.plan;
    return { namespace, taskQueue, carrier, workerId: this.workerId };
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

  /**
   * Takes on a changed plan of the same key: the engine is told at once, and polled with it. Polls that are held go on as
   * they began: one that is recalled may have a task by then that nobody would hear of.
   */
  update(plan: LanePlan): void {
    const changed = JSON.stringify(plan.activityTypes) !== JSON.stringify(this.plan.activityTypes);
    if (!changed) return;
    this.plan = plan;
    for (const type of plan.activityTypes) this.registeredTypes.add(type);
    this.registration.outdate();
    this.addPoller();
  }

  /** Ends held polls, so that nothing is leased through them: where the engine can be asked what it had leased already. */
  recallPolls(): void {
    if (!this.deps.client.repeatsPolls) return;
    for (const poll of this.held) poll.abort();
  }

  /** Ends the held polls beyond the first: as {@link recallPolls}. */
  recallSparePolls(): void {
    if (!this.deps.client.repeatsPolls) return;
    for (const poll of [...this.held].slice(1)) poll.abort();
  }

  /** Resolves when nothing is polled for any more. Tasks that were leased go on. */
  async stopPolling(): Promise<void> {
    this.stopping.abort();
    this.recallPolls();
    await Promise.all(this.pollers);
    this.enter("stopped");
  }

  /** Resolves when the tasks it has leased have ended. */
  async untilIdle(): Promise<void> {
    await Promise.all(this.tasks);
  }

  deregister(): Promise<void> {
    return this.registration.end();
  }

  /** Tells the engine that this registration is alive. */
  async heartbeat(): Promise<void> {
    if (!this.stopped && !(await this.registration.heartbeat()) && !this.stopped) await this.registration.renew();
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
    const poller: Promise<void> = this.pollLoop().finally(() => {
      this.pollers.delete(poller);
    });
    this.pollers.add(poller);
  }

  private async pollLoop(): Promise<void> {
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
      const asPolled = this.deps.inUse();
      const askedAt = this.deps.clock.monotonic();
      const { outcome, isRepeat } = await this.poll();
      const tookMs = this.deps.clock.monotonic() - askedAt;
      events.emit({ type: "polled", lane: this.facts, outcome: outcome.kind, durationMs: tookMs });
      if (outcome.kind === "task" && !isRepeat && this.isOver(outcome.task)) {
        this.runTask(this.run(outcome.task, asPolled), release, isTrial ? breaker : undefined);
        this.expired++;
        if (this.expired > 1) this.enter("expired");
        await this.backoff.expired(this.expired, this.facts);
        continue;
      }
      if (outcome.kind === "task") {
        this.expired = 0;
        this.runTask(this.run(outcome.task, asPolled), release, isTrial ? breaker : undefined);
        this.enter("polling");
        this.backoff.succeeded();
        if (!isTrial && !this.stopped && this.goingOn < this.deps.maxPolls()) this.addPoller();
        continue;
      }
      release();
      if (isTrial) breaker.returnTrial();
      await this.settle(outcome, tookMs);
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

  private run(task: LeasedTask, asPolled: ConfigInUse | undefined): Promise<void> {
    const isRegistered = this.registeredTypes.has(task.activityType);
    return this.deps.run({ task, plan: this.plan, asPolled, isRegistered });
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

  /** One poll. One whose answer is lost is repeated under the same id, so that a task leased meanwhile is not. */
  private async poll(): Promise<{ readonly outcome: PollOutcome; readonly isRepeat: boolean }> {
    const requestId = `activity-poll-${randomUUID()}`;
    let outcome = await this.sendPoll(requestId, false);
    let isRepeat = false;
    for (let repeats = 1; isLost(outcome) && repeats < LONGEST_REQUEST_LIFE; repeats++) {
      // The first repeat comes at once; when that fails too, the engine is in trouble, as it is by a gateway's word.
      const isTrouble = repeats > 1 || isGateways(outcome.status);
      if (isTrouble && outcome.why !== "aborted") await this.backoff.wait(outcome, "poll");
      isRepeat = true;
      outcome = await this.sendPoll(requestId, this.isRecalled, true);
      if (this.stopped && repeats > 1) break;
    }
    return { outcome, isRepeat };
  }

  private async sendPoll(requestId: string, atOnce: boolean, isRepeat = false): Promise<PollOutcome> {
    const { client, slots, pollSeconds, buildId } = this.deps;
    const { namespace, taskQueue, group } = this.plan;
    const { workerId } = this;
    // After a failure a short poll shows soon whether the engine is back; a carrier's trial is not held by an empty queue.
    const isShort = slots.contends(group) || this.backoff.failing || this.deps.breaker().state !== "closed";
    const timeoutSeconds = atOnce ? 0 : isShort ? Math.min(SHORT_POLL_SECONDS, pollSeconds) : pollSeconds;
    const recall = new AbortController();
    this.held.add(recall);
    try {
      const { signal } = recall;
      const request = { namespace, taskQueue, workerId, buildId, requestId, timeoutSeconds, isRepeat };
      return await client.poll(atOnce ? request : { ...request, signal });
    } finally {
      this.held.delete(recall);
    }
  }

  /** What a poll without a task means for this lane. */
  private async settle(outcome: Exclude<PollOutcome, { kind: "task" }>, tookMs: number): Promise<void> {
    const { client, clock, events } = this.deps;
    const { signal } = this.stopping;
    switch (outcome.kind) {
      case "empty":
        if (outcome.pollStatus === "no_activity_capability") {
          this.registration.lost(outcome.pollStatus);
          await this.backoff.stumble();
          return;
        }
        if (tookMs < HASTY_MS && outcome.pollStatus !== null && !EMPTY.has(outcome.pollStatus)) {
          // A word that is not known, at once: whatever it means, there is no work, and somebody should hear of it.
          const why = excerpt(outcome.pollStatus, 100);
          const answer = {
            kind: "unavailable",
            why,
            status: 200,
            retryAfterMs: undefined,
            mayHaveActed: false,
          } as const;
          await this.backoff.wait(answer, "poll");
          return;
        }
        this.enter("polling");
        this.backoff.succeeded();
        if (tookMs < HASTY_MS) await pause(clock, HASTY_PAUSE_MS, signal);
        return;
      case "unreadable_task": {
        const { violations, identity } = outcome.read;
        // The first says enough, and what is sent stays short.
        const problem = demandsOf(violations.filter((_, index) => index === 0));
        events.emit({ type: "task_unreadable", lane: this.facts, problem, taskId: identity?.taskId ?? null });
        // Left alone, it would be handed out again and again.
        if (identity !== null) await client.fail(identity, recordableFailure(unreadableTask(problem), NO_SECRETS));
        // Whoever answers like this may do so without end.
        await this.backoff.stumble();
        return;
      }
      case "reregister":
        this.registration.lost(outcome.reason);
        // A registration that does not last is not renewed in a hurry.
        await this.backoff.stumble();
        return;
      case "draining":
        this.enter("waiting");
        await pause(clock, DRAINED_PAUSE_MS, signal);
        return;
      case "unavailable":
        if (outcome.why !== "aborted") await this.backoff.wait(outcome, "poll");
        return;
      case "refused":
        await this.backoff.wait(outcome, "poll");
    }
  }
}

/** Whether a task may have been leased that we were not told of: by an answer that broke, or that a gateway lost. */
function isLost(outcome: PollOutcome): outcome is Unavailable {
  if (outcome.kind !== "unavailable" || !outcome.mayHaveActed) return false;
  return outcome.status === null || outcome.status < 300 || isGateways(outcome.status);
}

function isGateways(status: number | null): boolean {
  return status === 502 || status === 504;
}

function unreadableTask(problem: string) {
  return {
    message: `The dispatcher cannot read the task: ${problem}.`,
    type: "UnreadableTask",
    kind: "decode_failure",
    cancelled: false,
    malformed_output: false,
    retryable: false,
    non_retryable: true,
    details: null,
  } as const;
}
