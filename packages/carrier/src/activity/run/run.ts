import type { CallerSignal } from "../caller-signal.js";
import { type Clock, scheduleAt } from "../clock.js";
import { ExternalTaskDeadlineExceeded } from "../errors.js";
import { isThenable } from "../quietly.js";
import type { Deadline } from "./deadlines.js";

/** How a handler's run ended. */
export type RunOutcome =
  | { readonly kind: "returned"; readonly value: unknown }
  | { readonly kind: "threw"; readonly error: unknown }
  /** The run was ended from outside, with this reason; what the handler still does is dropped. */
  | { readonly kind: "aborted"; readonly reason: unknown };

/** One run of a handler: what can end it, and the one AbortSignal that tells the handler so. */
export interface ActivityRun {
  /** A signal that is aborted when the run is ended early, with the reason why. Made when first asked for, then the same. */
  signal(): AbortSignal;
  /** Ends the run: the signal fires, and the task is answered without waiting for the handler. Later calls change nothing. */
  abort(reason: unknown): void;
  /** Puts another deadline in the place of the one there was. */
  moveDeadline(deadline: Deadline | undefined): void;
  /**
   * Calls `invoke` and waits until it is done or the run is ended. Everything set up for that is taken down on every path.
   *
   * @param onLate told when the handler settles although its outcome is no longer wanted
   */
  execute(invoke: () => unknown, onLate: () => void): Promise<RunOutcome>;
}

const NEXT_TURN = Promise.resolve();

export function createActivityRun(
  clock: Clock,
  firstDeadline: Deadline | undefined,
  caller: CallerSignal | undefined,
  stopping?: CallerSignal,
): ActivityRun {
  let deadline = firstDeadline;
  let controller: AbortController | undefined;
  /** Set once the run was ended from outside. */
  let ended: (RunOutcome & { kind: "aborted" }) | undefined;
  let onEnd: (() => void) | undefined;
  /** Set while a handler is pending: sets the timer of the deadline, in place of one that is set. */
  let arm: (() => void) | undefined;

  function abort(reason: unknown): void {
    if (ended !== undefined) return;
    ended = { kind: "aborted", reason };
    controller?.abort(reason);
    onEnd?.();
  }

  function isOver(): boolean {
    if (caller?.aborted === true) abort(caller.reason);
    return ended !== undefined;
  }

  /** Tells the handler, and goes on. */
  const tell = (): void => controller?.abort(stopping?.reason);

  function expire(when: string): void {
    if (deadline !== undefined) abort(new ExternalTaskDeadlineExceeded(deadline.name, deadline.expiresAt, when));
  }

  /** Settles as the handler does, or when the run is ended. */
  function settle(pending: Promise<unknown>, onLate: () => void): Promise<RunOutcome> {
    return new Promise((resolve) => {
      const callerGone = (): void => abort(caller?.reason);
      let cancelTimer: (() => void) | undefined;
      let open = true;
      const close = (outcome: RunOutcome): void => {
        if (!open) return onLate();
        open = false;
        onEnd = undefined;
        arm = undefined;
        cancelTimer?.();
        caller?.removeEventListener("abort", callerGone);
        stopping?.removeEventListener("abort", tell);
        resolve(outcome);
      };
      onEnd = () => close(ended!);
      caller?.addEventListener("abort", callerGone);
      stopping?.addEventListener("abort", tell);
      pending
        .then(
          (value) => close({ kind: "returned", value }),
          (error: unknown) => close({ kind: "threw", error }),
        )
        // A logger that throws must not become an unhandled rejection, which ends processes.
        .catch(() => {});
      // The handler's own first steps may have ended the run already, or the caller may have, meanwhile.
      if (isOver()) onEnd?.();
      // A handler that had nothing to wait for is done by then, and needs no timer.
      queueMicrotask(() => {
        if (!open) return;
        arm = () => {
          cancelTimer?.();
          cancelTimer = deadline && scheduleAt(clock, deadline.at, () => expire("while the handler was running"));
        };
        arm();
      });
    });
  }

  return {
    signal() {
      if (controller === undefined) {
        controller = new AbortController();
        if (ended !== undefined) controller.abort(ended.reason);
        else if (stopping?.aborted === true) tell();
      }
      return controller.signal;
    },
    abort,
    moveDeadline(next) {
      deadline = next;
      arm?.();
    },
    async execute(invoke, onLate) {
      if (isOver()) return ended!;
      // In a turn of its own: what a handler enters (`AsyncLocalStorage.enterWith`) is then not entered by its caller.
      await NEXT_TURN;
      if (isOver()) return ended!;
      let outcome: RunOutcome;
      try {
        const value = invoke();
        // A thenable that is no promise may call back at once, or twice.
        outcome = isThenable(value) ? await settle(Promise.resolve(value), onLate) : { kind: "returned", value };
      } catch (error) {
        outcome = { kind: "threw", error };
      }
      // An outcome after the deadline comes too late, whether or not a timer had the chance to say so.
      if (deadline !== undefined && clock.now() >= deadline.at) expire("before the handler was done");
      return ended ?? outcome;
    },
  };
}
