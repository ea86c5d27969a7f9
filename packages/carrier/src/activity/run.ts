import { type Clock, scheduleAt } from "./clock.js";
import type { Deadline } from "./deadlines.js";
import { ExternalTaskDeadlineExceeded } from "./errors.js";

/** How a handler's run ended. */
export type RunOutcome =
  | { readonly kind: "returned"; readonly value: unknown }
  | { readonly kind: "threw"; readonly error: unknown }
  /** The run was ended from outside, with this reason; what the handler still does is dropped. */
  | { readonly kind: "aborted"; readonly reason: unknown };

/**
 * One run of a handler: what can end it, and the one AbortSignal that tells the handler so. Everything it sets up is
 * taken down on every path.
 */
export class ActivityRun {
  private readonly clock: Clock;
  private readonly deadline: Deadline | undefined;
  private readonly caller: AbortSignal | undefined;
  private controller: AbortController | undefined;
  /** Set once the run was ended from outside. */
  private ended: RunOutcome | undefined;
  private onEnd: (() => void) | undefined;

  constructor(clock: Clock, deadline: Deadline | undefined, caller: AbortSignal | undefined) {
    this.clock = clock;
    this.deadline = deadline;
    this.caller = caller;
  }

  /** Aborted when the run is ended early, with the reason why. Made when first asked for. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.ended?.kind === "aborted") this.controller.abort(this.ended.reason);
    }
    return this.controller.signal;
  }

  /** Ends the run: the signal fires, and the task is answered without waiting for the handler. Later calls change nothing. */
  readonly abort = (reason: unknown): void => {
    if (this.ended !== undefined) return;
    this.ended = { kind: "aborted", reason };
    this.controller?.abort(reason);
    this.onEnd?.();
  };

  /**
   * Calls `invoke` and waits until it is done or the run is ended.
   *
   * @param onLate told when the handler settles although its outcome is no longer wanted
   */
  async execute(invoke: () => unknown, onLate: () => void): Promise<RunOutcome> {
    if (this.caller?.aborted === true) this.abort(this.caller.reason);
    if (this.ended !== undefined) return this.ended;
    let outcome: RunOutcome;
    try {
      const value = invoke();
      outcome = isThenable(value) ? await this.settle(value, onLate) : { kind: "returned", value };
    } catch (error) {
      outcome = { kind: "threw", error };
    }
    // An outcome after the deadline comes too late, whether or not a timer had the chance to say so.
    if (this.deadline !== undefined && this.clock.now() >= this.deadline.at) this.expire("before the handler was done");
    return this.ended ?? outcome;
  }

  private expire(when: string): void {
    if (this.deadline === undefined) return;
    this.abort(new ExternalTaskDeadlineExceeded(this.deadline.name, this.deadline.expiresAt, when));
  }

  /** Settles as the handler does, or when the run is ended: {@link ended} then says how. */
  private settle(pending: PromiseLike<unknown>, onLate: () => void): Promise<RunOutcome> {
    return new Promise((resolve) => {
      const { deadline, caller } = this;
      const callerGone = (): void => {
        this.abort(caller?.reason);
      };
      const cancelTimer =
        deadline && scheduleAt(this.clock, deadline.at, () => this.expire("while the handler was running"));
      let open = true;
      const close = (outcome: RunOutcome): void => {
        if (!open) {
          onLate();
          return;
        }
        open = false;
        this.onEnd = undefined;
        cancelTimer?.();
        caller?.removeEventListener("abort", callerGone);
        resolve(outcome);
      };
      this.onEnd = () => {
        if (this.ended !== undefined) close(this.ended);
      };
      caller?.addEventListener("abort", callerGone);
      pending.then(
        (value) => close({ kind: "returned", value }),
        (error: unknown) => close({ kind: "threw", error }),
      );
      // The handler's own first steps may have ended the run already, or the caller may have, meanwhile.
      if (caller?.aborted === true) callerGone();
      this.onEnd();
    });
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  const isObjectLike = (typeof value === "object" && value !== null) || typeof value === "function";
  return isObjectLike && typeof (value as { then?: unknown }).then === "function";
}
