import type { Micros } from "../engine/model.js";
import type { RunRecord } from "../store/records.js";

export type FeedEventType =
  | "activity.scheduled" // started
  | "activity.started" // handed to a worker
  | "activity.heartbeat"
  | "activity.retry_scheduled"
  | "activity.lease_expired"
  | "activity.closed";

/** One step of an activity, told once it is on disk. */
export interface FeedEvent {
  readonly type: FeedEventType;
  readonly at: Micros;
  readonly run: RunRecord;
  /** Of one that was handed to a worker: since when its task could be. */
  readonly readySince?: Micros | undefined;
}

/** Tells those who listen what has happened. Keeps nothing: who joins later sees what comes later. */
export class Feed {
  private readonly listeners = new Set<(event: FeedEvent) => void>();
  private readonly awaited = new Map<number, Set<() => void>>();
  private isReleased = false;

  /** Whether the engine is being closed: there is nothing to wait for any more. */
  get isOver(): boolean {
    return this.isReleased;
  }

  /** The function returned ends it. */
  subscribe(listener: (event: FeedEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Calls back once the run has closed, or the feed is over. The function returned takes the call back. */
  onClosed(run: number, callback: () => void): () => void {
    if (this.isReleased) {
      queueMicrotask(callback);
      return () => {};
    }
    const callbacks = this.awaited.get(run) ?? new Set();
    this.awaited.set(run, callbacks.add(callback));
    return () => {
      callbacks.delete(callback);
      if (callbacks.size === 0) this.awaited.delete(run);
    };
  }

  /** Calls back all who wait for a run to close: nothing closes any more. */
  release(): void {
    this.isReleased = true;
    for (const callbacks of this.awaited.values()) for (const callback of callbacks) callback();
  }

  publish(event: FeedEvent): void {
    for (const listener of this.listeners) listener(event);
    if (event.type !== "activity.closed") return;
    const callbacks = this.awaited.get(event.run.key);
    this.awaited.delete(event.run.key);
    for (const callback of callbacks ?? []) callback();
  }
}
