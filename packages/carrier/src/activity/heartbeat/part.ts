import type { HeartbeatProgress } from "../../protocol/heartbeat-progress.js";
import type { ActivityTaskInput } from "../../protocol/task-input.js";
import type { Clock } from "../clock.js";
import type { Logger } from "../logger.js";
import type { RunDeadlines } from "../run/deadlines.js";
import type { ActivityRun } from "../run/run.js";

/** The heartbeats of one run. */
export interface Heartbeats {
  /** Sends one as soon as the throttle lets it. Returns at once and never throws. Without progress the last one is repeated. */
  heartbeat(progress?: HeartbeatProgress): void;
  /** The run is over: calls off what is on its way and takes down every timer. No callback is called after it. */
  stop(): void;
}

/** What heartbeats know of their run, and do to it. */
export interface HeartbeatRun {
  readonly input: ActivityTaskInput;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly deadlines: RunDeadlines;
  readonly run: ActivityRun;
  readonly settings: { readonly clock: Clock; readonly logger: Logger };
}

/** How `context.heartbeat` reaches the engine. Made by `engineHeartbeats`, or `heartbeats` for a sender of your own. */
export interface HeartbeatSource {
  /** Whether heartbeats are sent while a handler runs though it makes none. */
  readonly automatic: boolean;
  /** Sets up the heartbeats of a run. */
  start(run: HeartbeatRun): Heartbeats;
}
