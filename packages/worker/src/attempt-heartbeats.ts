import { type Heartbeat, HeartbeatError, type HeartbeatSender } from "@durable-workflow/carrier/heartbeat";
import type { HeartbeatAnswer } from "@durable-workflow/carrier/protocol";
import type { Delivery, HeartbeatOutcome } from "@durable-workflow/dispatcher/leasing";

type Beat = Delivery["heartbeat"];

/** Brings what handlers say with `context.heartbeat` to the engine, on the connection and with the token of the worker. */
export class AttemptHeartbeats implements HeartbeatSender {
  /** By attempt, while it runs. */
  private readonly beats = new Map<string, Beat>();

  begin(attemptId: string, beat: Beat): void {
    this.beats.set(attemptId, beat);
  }

  end(attemptId: string): void {
    this.beats.delete(attemptId);
  }

  async send({ attemptId, progress, signal }: Heartbeat): Promise<HeartbeatAnswer> {
    const beat = this.beats.get(attemptId);
    if (beat === undefined) throw new HeartbeatError("The attempt is over.", { retryable: false });
    const outcome = await beat(progress, signal);
    if (progress === undefined || !isRefusedProgress(outcome)) return answerOf(outcome);
    // What the engine does not take of it must not cost the lease.
    return { ...answerOf(await beat(undefined, signal)), progressRefused: true };
  }
}

/** Whether it may have been the progress that the engine did not take. */
function isRefusedProgress(outcome: HeartbeatOutcome): boolean {
  return (outcome.kind === "refused" || outcome.kind === "unavailable") && [422, 500].includes(outcome.status ?? 0);
}

/** @throws {HeartbeatError} for what is no answer */
function answerOf(outcome: HeartbeatOutcome): HeartbeatAnswer {
  switch (outcome.kind) {
    case "continue": {
      const { leaseExpiresAtMs: at } = outcome;
      const leaseExpiresAt = at === null ? undefined : new Date(at);
      return { canContinue: true, cancelRequested: false, reason: undefined, leaseExpiresAt };
    }
    case "stop":
      return closed(outcome.cancelRequested, outcome.reason);
    case "lost":
      return closed(false, outcome.reason);
    case "unavailable": {
      const { why, retryAfterMs } = outcome;
      throw new HeartbeatError(`The heartbeat was not answered: ${why}.`, {
        status: outcome.status ?? undefined,
        retryAfterMs,
      });
    }
    case "refused": {
      const { status, reason } = outcome;
      // A token may be renewed meanwhile; the worker sees to that.
      throw new HeartbeatError(`The heartbeat was refused with ${status}${reason === null ? "" : ` (${reason})`}.`, {
        status,
      });
    }
  }
}

function closed(cancelRequested: boolean, reason: string): HeartbeatAnswer {
  return { canContinue: false, cancelRequested, reason, leaseExpiresAt: undefined };
}
