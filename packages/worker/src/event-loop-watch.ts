import { type Clock, type EventStream, tell } from "@durable-workflow/dispatcher/leasing";
import type { RunningHandlers } from "./running-handlers.js";

const TICK_MS = 100;
/** From here on a delay is told, and nothing is leased until it is over. */
const BLOCKED_MS = 1_000;

/** Measures how late timers are: a handler that keeps the thread to itself keeps leases from being renewed. */
export class EventLoopWatch {
  private readonly clock: Clock;
  private readonly events: EventStream;
  private readonly handlers: Pick<RunningHandlers, "takeTasks">;
  private dueAt = 0;
  private cancel = (): void => {};
  private isBlocked = false;
  private readonly waiting: (() => void)[] = [];
  /** The longest delay so far, in milliseconds. */
  longestDelayMs = 0;

  constructor(clock: Clock, events: EventStream, handlers: Pick<RunningHandlers, "takeTasks">) {
    this.clock = clock;
    this.events = events;
    this.handlers = handlers;
  }

  start(): void {
    this.schedule();
  }

  stop(): void {
    this.cancel();
    this.dueAt = 0;
    this.recover();
  }

  /** Resolves when this process keeps up again; undefined while it does. */
  readonly untilRecovered = (): Promise<void> | undefined => {
    // The thread may have been given back only now, before the timer that would have told.
    if (this.dueAt > 0 && this.clock.monotonic() - this.dueAt >= BLOCKED_MS) this.isBlocked = true;
    if (!this.isBlocked) return undefined;
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  };

  private schedule(): void {
    this.dueAt = this.clock.monotonic() + TICK_MS;
    this.cancel = this.clock.schedule(TICK_MS, () => this.tick());
  }

  private tick(): void {
    const delayMs = this.clock.monotonic() - this.dueAt;
    this.longestDelayMs = Math.max(this.longestDelayMs, delayMs);
    const tasks = this.handlers.takeTasks();
    if (delayMs >= BLOCKED_MS) {
      const activityTypes = [...new Set(tasks.map(({ activityType }) => activityType))].toSorted();
      const leaseLeftMs =
        tasks.length === 0 ? null : Math.round(Math.min(...tasks.map(({ leaseLeft }) => leaseLeft())));
      tell(this.events, { type: "event_loop_blocked", delayMs: Math.round(delayMs), activityTypes, leaseLeftMs });
      this.isBlocked = true;
    } else {
      this.recover();
    }
    this.schedule();
  }

  private recover(): void {
    this.isBlocked = false;
    for (const resume of this.waiting.splice(0)) resume();
  }
}
