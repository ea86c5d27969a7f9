import { demandsOf, type Reason } from "@durable-workflow/engine-protocol";
import type { EngineClient } from "../engine/client.js";
import type { PolledOutcome } from "../engine/polls.js";
import { excerpt, recordableFailure } from "../engine/recordable.js";
import type { EventStream, LaneFacts } from "../events/events.js";
import { NO_SECRETS } from "../net/secrets.js";
import type { StopSignal } from "../time/call-off.js";
import { type Clock, pause } from "../time/clock.js";
import type { EngineBackoff } from "./engine-backoff.js";
import type { Registration } from "./registration.js";

/** A poll that was to be held and is answered at once without a task is not repeated at once. */
const HASTY_MS = 200;
const HASTY_PAUSE_MS = 500;
/** How engines say that there was nothing. */
const EMPTY: ReadonlySet<string> = new Set(["empty", "timeout"]);
const DRAINED_PAUSE_MS = 10_000;
/** The registration changed while the poll was held, which need not mean that it is gone. */
const DOUBTED = "stale_worker_registration" satisfies Reason;

/** The lane that has polled. */
export interface PollingLane {
  readonly client: Pick<EngineClient, "fail">;
  readonly clock: Clock;
  readonly events: EventStream;
  readonly signal: StopSignal;
  readonly facts: LaneFacts;
  readonly registration: Registration;
  readonly backoff: EngineBackoff;
  readonly enter: (state: "polling" | "waiting") => void;
}

/** Does what a poll asks of its lane beside tasks: that it waits, registers again, or tells the engine what it cannot read. */
export async function settlePoll(
  outcome: PolledOutcome,
  tookMs: number,
  { client, clock, events, signal, facts, registration, backoff, enter }: PollingLane,
): Promise<void> {
  switch (outcome.kind) {
    case "empty":
      if (outcome.pollStatus === "no_activity_capability") {
        registration.lost(outcome.pollStatus);
        await backoff.stumble();
        return;
      }
      if (tookMs < HASTY_MS && outcome.pollStatus !== null && !EMPTY.has(outcome.pollStatus)) {
        // A word that is not known, at once: whatever it means, there is no work, and somebody should hear of it.
        await backoff.wait(nothing(excerpt(outcome.pollStatus, 100)), "poll");
        return;
      }
      enter("polling");
      backoff.succeeded();
      registration.trust();
      if (tookMs < HASTY_MS) await pause(clock, HASTY_PAUSE_MS, signal);
      return;
    case "tasks": {
      for (const each of outcome.tasks) {
        if (each.kind === "task") continue;
        const { violations, identity } = each.read;
        // The first says enough, and what is sent stays short.
        const problem = demandsOf(violations.filter((_, index) => index === 0));
        events.emit({ type: "task_unreadable", lane: facts, problem, taskId: identity?.taskId ?? null });
        // Left alone, it would be handed out again and again.
        if (identity !== null) await client.fail(identity, recordableFailure(unreadableTask(problem), NO_SECRETS));
      }
      // Whoever answers like this may do so without end.
      await backoff.stumble();
      return;
    }
    case "reregister":
      if (outcome.reason === DOUBTED) await registration.doubt(outcome.reason);
      else registration.lost(outcome.reason);
      // A registration that does not last is not renewed in a hurry.
      await backoff.stumble();
      return;
    case "draining":
      enter("waiting");
      await pause(clock, DRAINED_PAUSE_MS, signal);
      return;
    case "unavailable":
      if (outcome.why !== "aborted") await backoff.wait(outcome, "poll");
      return;
    case "refused":
      await backoff.wait(outcome, "poll");
  }
}

function nothing(why: string) {
  return { kind: "unavailable", why, status: 200, retryAfterMs: undefined, mayHaveActed: false } as const;
}

function unreadableTask(problem: string) {
  return {
    message: `The dispatcher cannot read the task: ${problem}.`,
    type: "UnreadableTask",
    kind: "decode_failure",
    cancelled: false,
    malformed_output: false,
    retryable: false,
    non_retryable: true,
    details: null,
  } as const;
}
