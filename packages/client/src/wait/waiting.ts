import { jittered, sleep } from "../clock.js";
import { ClientError } from "../errors/client-error.js";
import type { ActivityDescription, ActivityHandle, WaitOptions } from "../handle.js";
import { trouble } from "../parts.js";
import { Scope } from "../scope.js";
import type { Engine } from "../wire/engine.js";
import { FIRST_HOLD_SECONDS, HOLD_SECONDS, type Pace } from "./pace.js";

export interface Wait extends WaitOptions {
  readonly handle: ActivityHandle<unknown>;
  /** Ends with the client. */
  readonly closing: Scope;
  /** Given each description that came; true ends the waiting. */
  readonly until: (description: ActivityDescription) => boolean;
  /** Whether the engine may hold answers back until the end: not for those who want to see what is before it. */
  readonly onlyEnd: boolean;
}

/**
 * Asks for an activity again and again until what is waited for is there. An engine that does not answer is asked further:
 * the activity goes on without us.
 *
 * @throws {ClientError} `wait_timeout`, and what no waiting mends, such as `not_found`; the scope's reason
 */
export async function waitFor(engine: Engine, pace: Pace, wait: Wait): Promise<ActivityDescription> {
  const { handle, signal, closing, timeoutMs, until } = wait;
  const { clock } = engine;
  const scope = new Scope([signal, closing], engine.limits, timeoutMs);
  let last: ActivityDescription | undefined;
  let lastTrouble: ClientError | undefined;
  pace.enter();
  try {
    for (let count = 1, troubles = 0; ; count++) {
      scope.check();
      const asked = clock.monotonic();
      const isKnown = handle.runId === undefined || handle.runId === last?.runId;
      const most = wait.onlyEnd && troubles === 0 ? (isKnown ? HOLD_SECONDS : FIRST_HOLD_SECONDS) : 0;
      const hold = pace.holdSeconds(asked, most);
      try {
        const slot = pace.slots.take(scope);
        if (slot !== undefined) await slot;
        try {
          ({ description: last } = await engine.describe(handle.activityId, engine.bounds(scope), hold, 1));
        } finally {
          pace.slots.give();
        }
        troubles = 0;
        lastTrouble = undefined;
        if (until(last)) return last;
        const now = clock.monotonic();
        if (hold > 0) {
          pace.heldFor(now - asked, hold, now);
          if (pace.holdSeconds(now, hold) > 0) continue;
        }
        await sleep(clock, jittered(pace.pauseMs(count)), scope);
      } catch (error) {
        if (!(error instanceof ClientError) || !error.retryable) throw error;
        lastTrouble = error;
        troubles++;
        const pause = Math.max(jittered(pace.troubleMs(troubles)), Math.min(error.retryAfterMs ?? 0, LONGEST_ASKED_MS));
        await sleep(clock, pause, scope);
      }
    }
  } catch (error) {
    throw scope.isLate && error === scope.reason
      ? (await trouble()).waitTimedOut(handle, timeoutMs, last, lastTrouble)
      : error;
  } finally {
    pace.leave();
    scope.end();
  }
}

/** An engine that wants to be left alone for a day does not make a waiter sleep for one. */
const LONGEST_ASKED_MS = 30_000;
