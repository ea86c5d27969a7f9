import type { Micros } from "../engine/model.js";
import type { EngineContext } from "./context.js";
import { type Enforced, enforceDue } from "./setbacks.js";

/** Activities in one transaction; the rest follow in the next. */
const BATCH = 200;
/** The wall clock may be set: no timer trusts it for longer. */
const LONGEST_SLEEP_MS = 60_000;
const RETRY_MS = 1000;

/**
 * Enforces deadlines and leases when they are due. What is due is read from the database, so that a restart forgets
 * nothing: whatever fell due in between is done at once.
 */
export class DueTimer {
  private readonly context: EngineContext;
  private armedFor: Micros | undefined;
  private cancel: () => void = () => {};
  private isStopped = false;

  constructor(context: EngineContext) {
    this.context = context;
    context.dueAtChanged = (at) => {
      this.arm(at);
    };
  }

  /** Begins with what the database holds. */
  start(): void {
    const next = this.context.store.runs.nextDueAt();
    if (next !== undefined) this.arm(next);
  }

  stop(): void {
    this.isStopped = true;
    this.cancel();
  }

  /** Does now what is due now, in one transaction, and returns it. */
  pass(limit: number): Promise<readonly Enforced[]> {
    return this.context.store.transact(() => enforceDue(this.context, limit));
  }

  private arm(at: Micros): void {
    if (this.isStopped || (this.armedFor !== undefined && this.armedFor <= at)) return;
    const { clock } = this.context;
    this.cancel();
    this.armedFor = at;
    const delay = Math.min(Math.max(0, Math.ceil(at / 1000 - clock.now())), LONGEST_SLEEP_MS);
    this.cancel = clock.schedule(delay, () => {
      void this.fire();
    });
  }

  private async fire(): Promise<void> {
    this.armedFor = undefined;
    try {
      while (!this.isStopped && (await this.pass(BATCH)).length === BATCH);
      if (!this.isStopped) this.start();
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
