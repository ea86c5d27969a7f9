import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { EngineClient } from "../engine/client.js";
import type { PollOutcome, Refused, Unavailable } from "../engine/outcomes.js";
import type { LeasedTask } from "../engine/task.js";
import type { EventStream, LaneFacts } from "../observe/events.js";
import { backoffDelay, type Clock, pause } from "../time/clock.js";
import type { CarrierBreaker } from "./breaker.js";
import type { LanePlan } from "./lanes.js";
import type { Release, SlotPool } from "./slots.js";

export type LaneState =
  | "starting" // not registered yet
  | "polling" // waits for tasks
  | "full" // as many tasks in flight as are allowed
  | "paused" // the carrier's circuit breaker is open
  | "waiting" // the engine does not answer, or refuses
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
  /** Runs a task to its end. */
  readonly run: (task: LeasedTask, plan: LanePlan) => Promise<void>;
}

const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 15_000;
/** What is asked for while others wait for a slot: the slot goes round. */
const SHORT_POLL_SECONDS = 1;
/** A poll that was to be held and is answered at once without a task is not repeated at once. */
const HASTY_MS = 200;
const HASTY_PAUSE_MS = 500;
const DRAINED_PAUSE_MS = 10_000;
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
  private current: LaneState = "starting";
  private registration: Promise<boolean> | undefined;
  private waiting: Promise<void> | undefined;
  /** Whether the engine knows it as it is now. */
  private registered = false;
  /** Whether the engine may know it at all. */
  private known = false;
  private readonly tasks = new Set<Promise<void>>();
  private failures = 0;

  constructor(plan: LanePlan, workerId: string, deps: LaneDeps) {
    this.plan = plan;
    this.workerId = workerId;
    this.deps = deps;
    // Each poller listens to it while it waits.
    setMaxListeners(0, this.stopping.signal);
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
    if (state === this.current) return;
    this.current = state;
    this.deps.events.emit({ type: "lane_state", lane: this.facts, state });
  }

  /** Takes on a changed plan of the same key: the engine is told before the next poll. */
  update(plan: LanePlan): void {
    const changed = JSON.stringify(plan.activityTypes) !== JSON.stringify(this.plan.activityTypes);
    this.plan = plan;
    if (changed) this.registered = false;
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

  async deregister(): Promise<void> {
    if (!this.known) return;
    this.known = false;
    this.registered = false;
    const { client, events } = this.deps;
    await client.deregister(this.plan.namespace, this.workerId);
    events.emit({ type: "deregistered", lane: this.facts });
  }

  /** Tells the engine that this registration is alive. */
  async heartbeat(): Promise<void> {
    if (!this.registered || this.stopped) return;
    const { client, events } = this.deps;
    const outcome = await client.heartbeatWorker(this.plan.namespace, this.workerId);
    if (outcome.kind !== "reregister" || this.stopped) return;
    this.registered = false;
    events.emit({ type: "registration_lost", lane: this.facts, reason: outcome.reason });
    await this.register();
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private addPoller(): void {
    const poller: Promise<void> = this.pollLoop().finally(() => {
      this.pollers.delete(poller);
    });
    this.pollers.add(poller);
  }

  private async pollLoop(): Promise<void> {
    const { slots } = this.deps;
    const { signal } = this.stopping;
    while (!this.stopped) {
      if (!this.registered && !(await this.register())) continue;
      const breaker = this.deps.breaker();
      if (breaker.state === "open") {
        await this.untilChanged(breaker);
        continue;
      }
      let release = slots.tryAcquire(this.plan.group);
      if (release === undefined) {
        // One of this lane's pollers is enough to wait.
        if (this.pollers.size > 1) return;
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
      const outcome = await this.poll();
      if (outcome.kind === "task") {
        this.runTask(outcome.task, release, breaker, isTrial);
        this.enter("polling");
        this.failures = 0;
        if (!isTrial && !this.stopped && this.pollers.size < this.deps.maxPolls()) this.addPoller();
        continue;
      }
      release();
      if (isTrial) breaker.returnTrial();
      await this.settle(outcome);
      // Without work one held poll is enough.
      if (this.pollers.size > 1) return;
    }
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

  private runTask(task: LeasedTask, release: Release, breaker: CarrierBreaker, isTrial: boolean): void {
    const run: Promise<void> = this.deps.run(task, this.plan).finally(() => {
      this.tasks.delete(run);
      release();
      // Does nothing when the outcome has settled the matter.
      if (isTrial) breaker.returnTrial();
    });
    this.tasks.add(run);
  }

  /** One poll. One whose answer is lost is repeated under the same id, so that a task leased meanwhile is not. */
  private async poll(): Promise<PollOutcome> {
    const { clock, events } = this.deps;
    const startedAt = clock.monotonic();
    const requestId = `activity-poll-${randomUUID()}`;
    let outcome = await this.sendPoll(requestId, false);
    for (let repeats = 1; isLost(outcome) && repeats < LONGEST_REQUEST_LIFE; repeats++) {
      // The first repeat comes at once; when that fails too, the engine is in trouble.
      if (repeats > 1) await this.retryLater(outcome);
      outcome = await this.sendPoll(requestId, this.stopped || this.deps.breaker().state === "open");
      if (this.stopped && repeats > 1) break;
    }
    events.emit({
      type: "polled",
      lane: this.facts,
      outcome: outcome.kind,
      durationMs: clock.monotonic() - startedAt,
    });
    if (outcome.kind === "empty" && !this.stopped) await this.restAfterHaste(clock.monotonic() - startedAt);
    return outcome;
  }

  private async sendPoll(requestId: string, atOnce: boolean): Promise<PollOutcome> {
    const { client, slots, pollSeconds, buildId } = this.deps;
    const { namespace, taskQueue, group } = this.plan;
    const { workerId } = this;
    // After a failure a short poll shows soon whether the engine is back.
    const isShort = slots.contends(group) || this.failures > 0;
    const timeoutSeconds = atOnce ? 0 : isShort ? Math.min(SHORT_POLL_SECONDS, pollSeconds) : pollSeconds;
    const recall = new AbortController();
    this.held.add(recall);
    try {
      const { signal } = recall;
      const request = { namespace, taskQueue, workerId, buildId, requestId, timeoutSeconds };
      return await client.poll(atOnce ? request : { ...request, signal });
    } finally {
      this.held.delete(recall);
    }
  }

  private async restAfterHaste(tookMs: number): Promise<void> {
    if (tookMs < HASTY_MS) await pause(this.deps.clock, HASTY_PAUSE_MS, this.stopping.signal);
  }

  /** What a poll without a task means for this lane. */
  private async settle(outcome: Exclude<PollOutcome, { kind: "task" }>): Promise<void> {
    const { client, clock, events } = this.deps;
    switch (outcome.kind) {
      case "empty":
        this.enter("polling");
        this.failures = 0;
        if (outcome.pollStatus === "no_activity_capability") {
          this.registered = false;
          await this.retryLater({
            kind: "unavailable",
            why: outcome.pollStatus,
            status: 200,
            retryAfterMs: undefined,
            mayHaveActed: false,
          });
        }
        return;
      case "unreadable_task": {
        const { problem, identity } = outcome.read;
        events.emit({ type: "task_unreadable", lane: this.facts, problem, taskId: identity?.taskId ?? null });
        // Left alone, it would be handed out again and again.
        if (identity !== null) await client.fail(identity, unreadableTask(problem));
        return;
      }
      case "reregister":
        this.registered = false;
        events.emit({ type: "registration_lost", lane: this.facts, reason: outcome.reason });
        // A registration that does not last is not renewed in a hurry.
        this.failures++;
        if (this.failures > 1) await pause(clock, this.retryDelay(), this.stopping.signal);
        return;
      case "draining":
        this.enter("waiting");
        await pause(clock, DRAINED_PAUSE_MS, this.stopping.signal);
        return;
      case "unavailable":
        if (outcome.why === "aborted") return;
        await this.retryLater(outcome);
        return;
      case "refused":
        await this.retryLater(outcome);
    }
  }

  /** True once registered; false after a wait when that failed. Pollers that need it together ask once. */
  private register(): Promise<boolean> {
    this.registration ??= this.tryRegister().finally(() => {
      this.registration = undefined;
    });
    return this.registration;
  }

  private async tryRegister(): Promise<boolean> {
    const { client, events, buildId, slotsAdvertised } = this.deps;
    if (client.protocolVersion === undefined) {
      const problem = await client.negotiateOnce();
      if (problem !== undefined) {
        await this.retryLater(problem, "cluster_info");
        return false;
      }
    }
    const { namespace, taskQueue, activityTypes } = this.plan;
    const registration = { namespace, workerId: this.workerId, taskQueue, activityTypes, buildId };
    const outcome = await client.register({ ...registration, slots: slotsAdvertised() });
    if (outcome.kind !== "registered") {
      await this.retryLater(outcome, "register");
      return false;
    }
    this.known = true;
    // A new config may have changed them meanwhile.
    this.registered = activityTypes === this.plan.activityTypes;
    this.enter("polling");
    events.emit({ type: "registered", lane: this.facts, activityTypes });
    return true;
  }

  private retryDelay(): number {
    return backoffDelay(this.failures, FIRST_RETRY_MS, LONGEST_RETRY_MS);
  }

  /** Waits before the engine is asked again. Pollers that fail together wait together: that is one failure, not many. */
  private retryLater(outcome: Unavailable | Refused, operation = "poll"): Promise<void> {
    this.waiting ??= this.waitToRetry(outcome, operation).finally(() => {
      this.waiting = undefined;
    });
    return this.waiting;
  }

  private async waitToRetry(outcome: Unavailable | Refused, operation: string): Promise<void> {
    const { clock, events } = this.deps;
    if (this.stopped) return;
    this.failures++;
    this.enter("waiting");
    if (outcome.kind === "unavailable") {
      const retryInMs = outcome.retryAfterMs ?? this.retryDelay();
      const { why, status } = outcome;
      events.emit({ type: "engine_unavailable", operation, why, status, retryInMs });
      await pause(clock, retryInMs, this.stopping.signal);
      return;
    }
    const retryInMs = Math.max(1_000, this.retryDelay());
    const { status, reason, message } = outcome;
    events.emit({ type: "engine_refused", operation, status, reason, message, retryInMs });
    await pause(clock, retryInMs, this.stopping.signal);
  }
}

/** Whether a task may have been leased that we were not told of. */
function isLost(outcome: PollOutcome): outcome is Unavailable {
  return outcome.kind === "unavailable" && outcome.mayHaveActed && (outcome.status === null || outcome.status < 300);
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
