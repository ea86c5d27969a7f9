import { createHash } from "node:crypto";

/** What limits and circuit breakers of a carrier are kept for. */
export function carrierGroup(carrier: string): string {
  return `carrier:${carrier}`;
}

/** What one registration with the engine is for. */
export interface LanePlan {
  /** Unique among the plans of a dispatcher. */
  readonly key: string;
  readonly namespace: string;
  readonly taskQueue: string;
  /** Null where only the engine knows. */
  readonly carrier: string | null;
  readonly activityTypes: readonly string[];
  /** What limits and circuit breakers are kept for: the carrier, or where it is not known, the activity. */
  readonly group: string;
}

/** The name under which a lane registers: the dispatcher's, and a part that tells its lanes apart. */
export function laneWorkerId(workerId: string, { key }: LanePlan): string {
  return `${workerId}:${createHash("sha256").update(key).digest("hex").slice(0, 10)}`;
}
