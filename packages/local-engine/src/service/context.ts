import type { Clock } from "../clock.js";
import { dueAt } from "../engine/deadlines.js";
import type { Activity, Micros } from "../engine/model.js";
import { ulid, upperUlid } from "../ids.js";
import type { Logger } from "../options.js";
import type { RunRecord } from "../store/records.js";
import type { Store } from "../store/store.js";
import type { EngineTime } from "./engine-time.js";
import type { Feed, FeedEventType } from "./feed.js";
import type { Recent } from "./recent.js";
import type { Wakes } from "./wakes.js";

/** What the engine's operations share. */
export interface EngineContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly time: EngineTime;
  /** The engine's time; see {@link EngineTime}. */
  readonly now: () => Micros;
  readonly lease: Micros;
  /** Of workers that say that they renew their leases. */
  readonly shortLease: Micros;
  /** Leases of a run that may run out before that counts as a failed attempt. */
  readonly freeRedeliveries: number;
  readonly feed: Feed;
  readonly recent: Recent;
  readonly logger: Logger;
  readonly wakes: Wakes;
  /** Waits until the requests that have arrived are read. */
  readonly inputRead: () => Promise<void>;
}

export function newId({ time }: EngineContext): string {
  return ulid(time.nowMs());
}

export function newUpperId({ time }: EngineContext): string {
  return upperUlid(time.nowMs());
}

/** Writes a step of a run, within a transaction, and tells those whom it concerns. Returns the run after it. */
export function saveStep(
  context: EngineContext,
  before: RunRecord,
  state: Activity,
  type: FeedEventType,
  at: Micros,
): RunRecord {
  const run = context.store.runs.save(before, state);
  announce(context, run, type, at);
  return run;
}

/** Writes a change that nobody need be told of, within a transaction. Returns the run after it. */
export function saveQuietly({ store, wakes }: EngineContext, before: RunRecord, state: Activity): RunRecord {
  const due = dueAt(state);
  if (due !== null) wakes.due(due);
  return store.runs.save(before, state);
}

/** As {@link saveStep}, for a run that is written already. */
export function announce(
  context: EngineContext,
  run: RunRecord,
  type: FeedEventType,
  at: Micros,
  readySince?: Micros,
): void {
  const due = dueAt(run.state);
  if (due !== null) context.wakes.due(due);
  if (run.state.task.status === "ready") context.wakes.taskReady(run);
  context.store.onCommit(() => {
    context.feed.publish({ type, at, run, readySince });
  });
}
