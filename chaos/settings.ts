/** Short, so that what was lost is handed out again within the run; in a soak nothing is lost. */
export const LEASE_SECONDS = 10;
export const SOAK_LEASE_SECONDS = 300;
/** What the local engine forgives by default. */
export const FREE_REDELIVERIES = 3;
/** Payloads above it are uploaded, and named. */
export const THRESHOLD_BYTES = 65_536;
export const START_TO_CLOSE_SECONDS = 30;
export const HEARTBEAT_SECONDS = 10;
/** Activities that a client has open at once, and requests that it makes at once: enough to have all waits held. */
export const MOST_OPEN = 1_000;
export const MOST_REQUESTS = 1_400;
export const QUEUE_NAME = "chaos";

/** What the client is given. */
export interface StarterSettings {
  readonly url: string;
  readonly tasks: number;
  readonly seed: number;
  readonly perSecond: number;
  /** In real time, milliseconds since the epoch. */
  readonly startedAt: number;
  /** Of its journal. */
  readonly folder: string;
}
