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
  private abortReason: { readonly reason: unknown } | undefined;
  private onAbort: ((reason: unknown) => void) | undefined;

  constructor(clock: Clock, deadline: Deadline | undefined, caller: AbortSignal | undefined) {
    this.clock = clock;
    this.deadline = deadline;
    this.caller = caller;
  }

  /** Aborted when the run ends early, with an error of this library as its reason where the carrier ended it. Made when first asked for. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.abortReason !== undefined) this.controller.abort(this.abortReason.reason);
    }
    return this.controller.signal;
  }

  /** Ends the run: the signal fires, and the task is answered without waiting for the handler. Later calls change nothing. */
  abort(reason: unknown): void {
    if (this.abortReason !== undefined) return;
    this.abortReason = { reason };
    this.controller?.abort(reason);
    this.onAbort?.(reason);
  }

  /**
   * Calls `invoke` and waits until it is done or the run is ended.
   *
   * @param onLate told when the handler settles although its outcome is no longer wanted
   */
  async execute(invoke: () => unknown, onLate: () => void): Promise<RunOutcome> {
    if (this.caller?.aborted === true) {
      this.abort(this.caller.reason);
      return { kind: "aborted", reason: this.caller.reason };
    }
    let returned: unknown;
    try {
      returned = invoke();
      if (isThenable(returned)) return this.judge(await this.settle(returned, onLate));
    } catch (error) {
      return this.judge({ kind: "threw", error });
    }
    return this.judge({ kind: "returned", value: returned });
  }

  /** An outcome after the deadline comes too late, whether or not a timer had the chance to say so. */
  private judge(outcome: RunOutcome): RunOutcome {
    const { deadline } = this;
    if (deadline === undefined || outcome.kind === "aborted" || this.clock.now() < deadline.at) return outcome;
    const reason = new ExternalTaskDeadlineExceeded(deadline.name, deadline.expiresAt, "before the handler was done");
    this.abort(reason);
    return { kind: "aborted", reason };
  }

  private settle(pending: PromiseLike<unknown>, onLate: () => void): Promise<RunOutcome> {
    return new Promise((resolve) => {
      let open = true;
      const { deadline, caller } = this;
      const close = (outcome: RunOutcome): void => {
        open = false;
        cancelTimer?.();
        caller?.removeEventListener("abort", callerGone);
        this.onAbort = undefined;
        resolve(outcome);
      };
      const callerGone = (): void => {
        this.abort(caller?.reason);
      };
      this.onAbort = (reason) => {
        if (open) close({ kind: "aborted", reason });
      };
      const cancelTimer =
        deadline === undefined
          ? undefined
          : scheduleAt(this.clock, deadline.at, () => {
              this.abort(
                new ExternalTaskDeadlineExceeded(deadline.name, deadline.expiresAt, "while the handler was running"),
              );
            });
      caller?.addEventListener("abort", callerGone);
      // The handler's own first steps may have ended the run, or the caller may have, meanwhile.
      if (caller?.aborted === true) callerGone();
      if (this.abortReason !== undefined && open) close({ kind: "aborted", reason: this.abortReason.reason });
      pending.then(
        (value) => {
          if (open) close({ kind: "returned", value });
          else onLate();
        },
        (error: unknown) => {
          if (open) close({ kind: "threw", error });
          else onLate();
        },
      );
    });
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  return typeof (value as { then?: unknown }).then === "function";
}
