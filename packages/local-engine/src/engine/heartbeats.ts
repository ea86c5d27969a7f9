import { MICROS_PER_SECOND, type Micros, type RunningAttempt } from "./model.js";

/** Heartbeats of one attempt that history keeps, whatever their pace. */
export const BEATS_KEPT = 100;
/** Later ones: one for each hundredth of the time that the attempt has run, and at most one a second. */
const PART_OF_AGE = 100;

/**
 * Whether a heartbeat gets an event of its own. A handler may send thousands in a minute, and history keeps them for good:
 * an attempt of a day ends with about a thousand events, whatever its pace.
 */
export function isHeartbeatKept({ beatsKept, beatKeptAt, startedAt }: RunningAttempt, now: Micros): boolean {
  if (beatsKept < BEATS_KEPT || beatKeptAt === null) return true;
  return now - beatKeptAt >= Math.max(MICROS_PER_SECOND, (now - startedAt) / PART_OF_AGE);
}
