import type { AsOf } from "./common.js";

/** What this engine can tell and do. What it cannot is absent from the page, not broken. */
export interface Capabilities extends AsOf {
  readonly apiVersion: number;
  /** `local`: a local engine of this project. `server`: any other one. */
  readonly kind: "local" | "server";
  /** Without user or password. */
  readonly engineUrl: string;
  readonly namespace: string;
  readonly engineVersion: string | null;
  /** Such as `1.20`. */
  readonly protocolVersion: string | null;
  /** Which command serves this page. */
  readonly servedBy: "dev" | "engine" | "ui";
  /** Whether actions are refused, as the command was started with `--read-only`. */
  readonly isReadOnly: boolean;
  readonly features: Features;
  /** One sentence for each feature that is false or partial: why. */
  readonly notes: readonly { readonly feature: keyof Features; readonly text: string }[];
  /** How to name this engine in a command line, such as `--server http://127.0.0.1:7070`; empty where it is found. */
  readonly commandOptions: string;
}

export interface Features {
  /** Exact counts by status, queue and type. Without: counts of the newest activities only, marked as such. */
  readonly counts: boolean;
  /** Series of the last hour. */
  readonly series: boolean;
  /** Which filters the list takes. */
  readonly listFilters: readonly ("status" | "type" | "queue" | "id" | "time")[];
  /** Which words the status filter tells apart. A server knows `running`, `succeeded` and `failed` alone. */
  readonly statusFilters: readonly string[];
  /** `push`: told by the engine. `poll`: asked for every few seconds, newest activities only. */
  readonly events: "push" | "poll";
  /** Attempts with their times, workers and failures. */
  readonly attempts: boolean;
  /** Next try, lease and deadlines of each line of the list. */
  readonly timers: boolean;
  readonly queues: boolean;
  readonly workers: boolean;
  /** The queues that carriers' breakers are told of, where a dispatcher runs beside. */
  readonly carriers: boolean;
  /** Earlier runs of the same id. */
  readonly runs: boolean;
  readonly stackTraces: boolean;
  readonly start: boolean;
  readonly cancel: boolean;
  readonly terminate: boolean;
  readonly drainQueue: boolean;
  /** Large payloads that the engine keeps can be fetched. */
  readonly payloads: boolean;
}
