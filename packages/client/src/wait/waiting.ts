import { jittered, sleep } from "../clock.js";
import { ClientError } from "../errors/client-error.js";
import type { ActivityDescription, ActivityHandle, WaitOptions } from "../handle.js";
import { Scope, TimeUp } from "../scope.js";
import type { Engine } from "../wire/engine.js";
import { FIRST_HOLD_SECONDS, HOLD_SECONDS, type Pace } from "./pace.js";

export interface Wait extends WaitOptions {
  readonly handle: ActivityHandle<unknown>;
  /** Ends with the client. */
  readonly closing: AbortSignal;
  /** Given each description that came; true ends the waiting. */
  readonly until: (description: ActivityDescription) => boolean;
  /** Whether the engine may hold answers back until the end: not for those who want to see what is before it. */
  readonly onlyEnd: boolean;
}

/**
 * Asks for an activity again and again until what is waited for is there. An engine that does not answer is asked further:
 * the activity goes on without us.
 *
 * @throws {ClientError} `wait_timeout`, and what no waiting mends, such as `not_found`; the signal's reason
 */
export async function waitFor(engine: Engine, pace: Pace, wait: Wait): Promise<ActivityDescription> {
  const { handle, signal, closing, timeoutMs, until } = wait;
  const { clock } = engine;
  const scope = new Scope(clock, [signal, closing], timeoutMs);
  let last: ActivityDescription | undefined;
  let trouble: ClientError | undefined;
  pace.enter();
  try {
    for (let count = 1, troubles = 0; ; count++) {
      scope.signal.throwIfAborted();
      const asked = clock.monotonic();
      const isKnown = handle.runId === undefined || handle.runId === last?.runId;
      const most = wait.onlyEnd && troubles === 0 ? (isKnown ? HOLD_SECONDS : FIRST_HOLD_SECONDS) : 0;
      const hold = pace.holdSeconds(asked, most);
      try {
        const slot = pace.slots.take(scope.signal);
        if (slot !== undefined) await slot;
        try {
          const bounds = engine.bounds(scope.signal);
          ({ description: last } = await engine.describe(handle.activityId, bounds, { wait: hold, tries: 1 }));
        } finally {
          pace.slots.give();
        }
        troubles = 0;
        trouble = undefined;
        if (until(last)) return last;
        const now = clock.monotonic();
        if (hold > 0) {
          pace.heldFor(now - asked, hold, now);
          if (pace.holdSeconds(now, hold) > 0) continue;
        }
        await sleep(clock, jittered(pace.pauseMs(count)), scope.signal);
      } catch (error) {
        if (!(error instanceof ClientError) || !error.retryable) throw error;
        trouble = error;
        troubles++;
        const pause = Math.max(jittered(pace.troubleMs(troubles)), Math.min(error.retryAfterMs ?? 0, LONGEST_ASKED_MS));
        await sleep(clock, pause, scope.signal);
      }
    }
  } catch (error) {
    if (scope.signal.reason instanceof TimeUp && error === scope.signal.reason) {
      throw timedOut(wait, last, trouble);
    }
    throw error;
  } finally {
    pace.leave();
    scope.end();
  }
}

/** An engine that wants to be left alone for a day does not make a waiter sleep for one. */
const LONGEST_ASKED_MS = 30_000;

function timedOut(
  { handle, timeoutMs }: Wait,
  description: ActivityDescription | undefined,
  trouble: ClientError | undefined,
): ClientError {
  const status = description === undefined ? "" : `; it is ${description.status}, ${description.stage}`;
  const why = trouble === undefined ? "" : `; the engine could not be asked: ${trouble.message}`;
  const told = `the activity ${handle.activityId} has not ended within ${timeoutMs} ms${status}${why}. It goes on.`;
  return new ClientError("wait_timeout", told, {
    retryable: true,
    handle,
    description,
    ...(trouble !== undefined && { cause: trouble }),
  });
}
