import { type OnAbort, onAbort } from "./on-abort.js";
import type { Timed, TimeLimits } from "./time-limits.js";

/**
 * What a call, or one try of it, lives in: it is over when one of its parents is, or when its time is up. It has a signal for
 * those alone who ask for one: scopes are made for every request, and signals cost more than the rest of it.
 */
export class Scope implements Timed {
  isOver = false;
  /** Whether it was the time. */
  isLate = false;
  reason: unknown;
  endsAt = 0;
  readonly #callbacks = new Set<OnAbort>();
  readonly #leave: (() => void)[] = [];
  readonly #limits: TimeLimits | undefined;
  #controller: AbortController | undefined;

  /** @param timeoutMs counts where there are limits; undefined for none */
  constructor(parents: readonly (Scope | AbortSignal | undefined)[], limits?: TimeLimits, timeoutMs?: number) {
    const finish = (reason: unknown): void => this.finish(reason);
    for (const parent of parents) {
      if (parent !== undefined) {
        this.#leave.push(parent instanceof Scope ? parent.onOver(finish) : onAbort(parent, finish));
      }
    }
    if (limits === undefined || timeoutMs === undefined) return;
    this.#limits = limits;
    limits.add(this, timeoutMs);
  }

  /** Aborted when it is over. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isOver) this.#controller.abort(this.reason);
    return this.#controller.signal;
  }

  /** Calls back when it is over, at once if it is. @returns stops listening */
  onOver(callback: OnAbort): () => void {
    if (this.isOver) callback(this.reason);
    else this.#callbacks.add(callback);
    return () => void this.#callbacks.delete(callback);
  }

  /** @throws its reason, when it is over */
  check(): void {
    if (this.isOver) throw this.reason;
  }

  /** Ends whatever is done in it. */
  finish(reason: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.reason = reason;
    this.#controller?.abort(reason);
    for (const each of this.#callbacks) each(reason);
  }

  expire(): void {
    this.isLate = true;
    this.finish(new Error("the time is up"));
  }

  /** What was done in it is done: it lets go of its parents, and of its time. */
  end(): void {
    this.#limits?.delete(this);
    for (const leave of this.#leave) leave();
  }
}

/** Does something that may be given up, in a scope of its own where somebody may do so. @throws the scope's reason */
export async function within<T>(
  outer: Scope,
  signal: AbortSignal | undefined,
  work: (scope: Scope) => Promise<T>,
): Promise<T> {
  const scope = signal === undefined ? outer : new Scope([signal, outer]);
  try {
    scope.check();
    return await work(scope);
  } finally {
    if (scope !== outer) scope.end();
  }
}
