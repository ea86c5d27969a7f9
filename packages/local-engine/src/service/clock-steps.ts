import type { Store } from "../store/store.js";
import type { EngineContext } from "./context.js";
import type { EngineTime } from "./engine-time.js";

const RETRY_MS = 1000;
const STEP_MICROS = 1_000_000;

/**
 * Moves all that waits when the wall clock is set, so that it stays as far away as it was: backoffs, deadlines, leases and
 * what is heard of workers.
 */
export class ClockSteps {
  private readonly context: EngineContext;
  private readonly time: EngineTime;
  private readonly moved: () => void;
  private cancel: () => void = () => {};
  private isStopped = false;

  /** @param moved called after everything was moved: timers that were set for instants have to be set anew */
  constructor(context: EngineContext, time: EngineTime, moved: () => void) {
    this.context = context;
    this.time = time;
    this.moved = moved;
    time.onStep(() => {
      this.schedule(0);
    });
  }

  stop(): void {
    this.isStopped = true;
    this.cancel();
  }

  private schedule(delayMs: number): void {
    if (this.isStopped) return;
    this.cancel();
    this.cancel = this.context.clock.schedule(delayMs, () => {
      this.follow();
    });
  }

  private follow(): void {
    const { store, logger } = this.context;
    const { step } = this.time;
    if (step === 0) {
      this.time.forget();
      return;
    }
    try {
      store.write(() => {
        store.runs.moveWaiting(step * 1000);
        store.payloads.moveExpiries(step * 1000);
        store.workers.moveHeard(step * 1000);
        store.endedRegistrations.move(step * 1000);
        store.ledger.setLastAt(this.time.nowMs() * 1000 + step * 1000);
      });
    } catch (error) {
      logger.error({ error }, "The clock was set, and what waits could not be moved with it; trying again.");
      this.schedule(RETRY_MS);
      return;
    }
    this.time.follow(step);
    logger.warn({ stepSeconds: step / 1000 }, "The clock was set; timers, deadlines and leases keep their distance.");
    this.moved();
  }
}

/**
 * For a file whose last commit lies in the future: the clock was set back while no engine ran. What waits would wait for
 * as long again. Returns by how many seconds everything was moved.
 */
export function followStepBetween(store: Store, now: number): number {
  const { lastAt } = store.ledger.read();
  const step = now - lastAt;
  if (step > -STEP_MICROS) return 0;
  store.write(() => {
    store.runs.moveWaiting(step);
    store.payloads.moveExpiries(step);
    store.workers.moveHeard(step);
    store.endedRegistrations.move(step);
    store.ledger.setLastAt(now);
  });
  return step / STEP_MICROS;
}
