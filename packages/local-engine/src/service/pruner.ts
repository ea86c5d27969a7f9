import { MICROS_PER_SECOND, type Micros } from "../engine/model.js";
import type { Pruned } from "../store/retention.js";
import type { EngineContext } from "./context.js";

/** Runs in one transaction: few, so that requests need not wait for it. */
const BATCH = 50;
/** Beyond this the transaction ends before that, whatever the runs hold: nothing else runs meanwhile. */
const LONGEST_MS = 2;
const PAUSE_MS = 10;
const EVERY_MS = 60_000;

/** Removes runs some time after they closed. */
export class Pruner {
  private readonly context: EngineContext;
  private readonly keep: Micros;
  private cancel: () => void = () => {};
  private isStopped = false;

  constructor(context: EngineContext, keepSeconds: number) {
    this.context = context;
    this.keep = keepSeconds * MICROS_PER_SECOND;
  }

  start(): void {
    this.schedule(0);
  }

  stop(): void {
    this.isStopped = true;
    this.cancel();
  }

  /** Removes at most `limit` runs, fewer where that takes long. */
  pass(limit: number): Promise<Pruned> {
    const { store } = this.context;
    return store.transact(() => {
      const now = this.context.now();
      const end = performance.now() + LONGEST_MS;
      return store.retention.prune(now - this.keep, limit, now, () => performance.now() >= end);
    });
  }

  private schedule(delayMs: number): void {
    if (this.isStopped) return;
    this.cancel = this.context.clock.schedule(delayMs, () => {
      this.pass(BATCH).then(
        ({ isDone }) => {
          this.schedule(isDone ? EVERY_MS : PAUSE_MS);
        },
        (error: unknown) => {
          if (!this.isStopped) this.context.logger.error({ error }, "Closed runs could not be pruned; trying again.");
          this.schedule(EVERY_MS);
        },
      );
    });
  }
}
