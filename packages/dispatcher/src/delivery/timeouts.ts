import { type ActivityMapping, LONGEST_HTTP_TIMEOUT_SECONDS } from "@durable-workflow/engine-protocol/executor-config";
import { deadlineMs, type LeasedTask } from "@durable-workflow/engine-protocol/worker";
import { type Clock, timerDelay } from "../time/clock.js";

/** Calls back once so much time has passed, pauses not counted. */
export class PausableTimer {
  private readonly clock: Clock;
  private readonly onEnd: () => void;
  private left: number;
  private startedAt = 0;
  private isOver = false;
  private cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, ms: number, onEnd: () => void) {
    this.clock = clock;
    this.onEnd = onEnd;
    this.left = ms;
    this.resume();
  }

  pause(): void {
    if (this.cancelTimer === undefined) return;
    this.stop();
    this.left -= this.clock.monotonic() - this.startedAt;
  }

  /** Does nothing once it was cancelled. */
  resume(): void {
    if (this.isOver) return;
    this.startedAt = this.clock.monotonic();
    this.cancelTimer = this.clock.schedule(timerDelay(this.left), this.onEnd);
  }

  /** For good. */
  cancel(): void {
    this.isOver = true;
    this.stop();
  }

  private stop(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }
}

/** A limit to how long a delivery may take. */
export interface TimeLimit {
  /** `timeout_seconds`, `start_to_close` or `schedule_to_close`. */
  readonly name: string;
  readonly ms: number;
}

/** How long one delivery may take by its config: the smaller of carrier and mapping. */
export function configuredTimeout({ carrier, timeoutSeconds }: ActivityMapping): TimeLimit {
  const given = [carrier.timeoutSeconds, timeoutSeconds].filter((seconds) => seconds !== null);
  const seconds = given.length === 0 ? LONGEST_HTTP_TIMEOUT_SECONDS : Math.min(...given);
  return { name: "timeout_seconds", ms: seconds * 1000 };
}

/** The deadline of the attempt that passes first, and how far it is; undefined when it has none. May be negative. */
export function deadlineLeft(task: LeasedTask, engineNowMs: number): TimeLimit | undefined {
  let first: TimeLimit | undefined;
  for (const name of ["start_to_close", "schedule_to_close"] as const) {
    const at = deadlineMs(task, name);
    if (at !== undefined && (first === undefined || at - engineNowMs < first.ms))
      first = { name, ms: at - engineNowMs };
  }
  return first;
}

/** The limit that runs out first. */
export function tightest(configured: TimeLimit, deadline: TimeLimit | undefined): TimeLimit {
  return deadline !== undefined && deadline.ms < configured.ms ? deadline : configured;
}
