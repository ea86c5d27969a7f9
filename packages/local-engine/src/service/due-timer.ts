import type { Micros } from "../engine/model.js";
import type { EngineContext } from "./context.js";
import { type Enforced, enforceDue } from "./setbacks.js";

/** Activities in one transaction; the rest follow in the next. */
const BATCH = 200;
/** Timers take no more than 2^31-1 ms. */
const LONGEST_SLEEP_MS = 60_000;
const RETRY_MS = 1000;
/** So long before something is due the timer looks, in steps, whether the thread is running. */
const WATCH_MS = 1000;
const STEP_MS = 250;
/** A timer that is so late tells of a gap: the thread was blocked, or the process or the machine asleep. */
const GAP_MS = 200;
/** What was being sent when a gap ended has so long to arrive. */
const GRACE_MS = 1000;
/** Gaps that follow each other put things off no longer than this. */
const MOST_GRACES = 10;
/** Workers that could not report while no engine ran try again within a few seconds. */
const START_GRACE_MS = 5000;

/**
 * Enforces deadlines and leases when they are due. What is due is read from the database, so that a restart forgets
 * nothing. What came in counts before anything is enforced: requests that have arrived are read first, after a gap those
 * of the next second, and after a start those of the next five seconds.
 */
export class DueTimer {
  private readonly context: EngineContext;
  private armedFor: Micros | undefined;
  private cancel: () => void = () => {};
  private isStopped = false;
  private heldUntilMs = 0;
  private graces = 0;

  constructor(context: EngineContext) {
    this.context = context;
    context.wakes.onDue((at) => {
      this.arm(at);
    });
  }

  /** Begins with what the database holds. */
  start(): void {
    const { store, time } = this.context;
    const next = store.runs.nextDueAt();
    if (next === undefined) return;
    const heldUntilMs = time.nowMs() + START_GRACE_MS;
    if (next / 1000 < heldUntilMs) this.heldUntilMs = heldUntilMs;
    this.arm(next);
  }

  stop(): void {
    this.isStopped = true;
    this.cancel();
  }

  /** The clock was set: everything is due at another instant. */
  rearm(): void {
    this.cancel();
    this.armedFor = undefined;
    this.heldUntilMs = 0;
    this.armNext();
  }

  /** Does now what is due now, in one transaction, and returns it. */
  pass(limit: number): Promise<readonly Enforced[]> {
    return this.context.store.transact(() => enforceDue(this.context, limit));
  }

  private armNext(): void {
    const next = this.context.store.runs.nextDueAt();
    if (next !== undefined) this.arm(next);
  }

  private arm(at: Micros): void {
    if (this.isStopped || (this.armedFor !== undefined && this.armedFor <= at)) return;
    this.cancel();
    this.armedFor = at;
    this.sleep(at);
  }

  private sleep(at: Micros): void {
    const { clock, time } = this.context;
    const now = time.nowMs();
    const left = Math.max(0, Math.ceil(at / 1000), this.heldUntilMs) - now;
    const delay = left > WATCH_MS ? Math.min(left - WATCH_MS, LONGEST_SLEEP_MS) : Math.min(Math.max(left, 0), STEP_MS);
    this.cancel = clock.schedule(delay, () => {
      const woken = time.nowMs();
      if (woken - now - delay > GAP_MS && this.graces < MOST_GRACES) {
        this.graces++;
        this.heldUntilMs = woken + GRACE_MS;
      }
      if (woken < Math.max(Math.ceil(at / 1000), this.heldUntilMs)) this.sleep(at);
      else void this.fire();
    });
  }

  private async fire(): Promise<void> {
    this.armedFor = undefined;
    this.graces = 0;
    try {
      await this.context.inputRead();
      while (!this.isStopped && (await this.pass(BATCH)).length === BATCH);
      if (!this.isStopped) this.armNext();
    } catch (error) {
      if (this.isStopped) return;
      this.context.logger.error({ error }, "Deadlines could not be enforced; trying again.");
      // Not only once what comes next is due: this is due already.
      this.cancel();
      this.armedFor = this.context.now();
      this.cancel = this.context.clock.schedule(RETRY_MS, () => {
        void this.fire();
      });
    }
  }
}
