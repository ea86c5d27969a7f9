import type { Clock } from "@durable-workflow/carrier";

/** Ends a scope that had a time limit. */
export class TimeUp extends Error {}

/**
 * A signal of one call's own, aborted with whichever comes first: another signal, or a time limit. Signals that live long
 * are let go of at its end: `AbortSignal.any` leaves something on them.
 */
export class Scope {
  readonly signal: AbortSignal;
  private readonly leave: readonly (() => void)[];
  private readonly cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, parents: readonly (AbortSignal | undefined)[], timeoutMs = Number.POSITIVE_INFINITY) {
    const controller = new AbortController();
    this.signal = controller.signal;
    const forward = (reason: unknown): void => controller.abort(reason);
    this.leave = parents.flatMap((parent) => (parent === undefined ? [] : [onAbort(parent, forward)]));
    if (timeoutMs < LONGEST_DELAY_MS) {
      this.cancelTimer = clock.schedule(Math.max(0, timeoutMs), () => {
        controller.abort(new TimeUp(`${timeoutMs} ms have passed`));
      });
    }
  }

  end(): void {
    this.cancelTimer?.();
    for (const leave of this.leave) leave();
  }
}

/** Timers overflow above this. So long nobody waits for one. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

export type OnAbort = (reason: unknown) => void;

interface Watched {
  readonly callbacks: Set<OnAbort>;
  readonly listener: () => void;
}

const watched = new WeakMap<AbortSignal, Watched>();

/** One listener on a signal, however many calls share it: Node warns of eleven. */
export function onAbort(signal: AbortSignal, callback: OnAbort): () => void {
  if (signal.aborted) {
    callback(signal.reason);
    return () => {};
  }
  let entry = watched.get(signal);
  if (entry === undefined) {
    const callbacks = new Set<OnAbort>();
    const listener = (): void => {
      for (const each of callbacks) each(signal.reason);
    };
    entry = { callbacks, listener };
    watched.set(signal, entry);
    signal.addEventListener("abort", listener, { once: true });
  }
  const { callbacks, listener } = entry;
  callbacks.add(callback);
  return () => {
    callbacks.delete(callback);
    if (callbacks.size > 0 || watched.get(signal)?.callbacks !== callbacks) return;
    watched.delete(signal);
    signal.removeEventListener("abort", listener);
  };
}
