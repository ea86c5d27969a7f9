import type { IncomingHttpHeaders } from "node:http";

/** Calls of the worker plane, as whoever stands between a worker and an engine sees them. */

export type Json = Readonly<Record<string, unknown>>;

export interface EngineCall {
  readonly method: string;
  readonly path: string;
  /** `poll`, `complete`, `fail`, `heartbeat`, `register`, `worker_heartbeat`, `deregister`, `cluster_info`. */
  readonly verb: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Json;
}

/** Answers a request in place of the engine; undefined lets the engine answer. */
export type Interference = (request: EngineCall) => InsteadOfAnswer | undefined;

export interface InsteadOfAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: string;
  /** The engine does what it was asked to do, and only its own answer is lost. Default: it never hears of it. */
  readonly acts?: boolean;
}

export function verbOf(method: string, path: string): string {
  if (path === "/api/cluster/info") return "cluster_info";
  if (path === "/api/worker/heartbeat") return "worker_heartbeat";
  if (method === "DELETE" && path.startsWith("/api/worker/registrations/")) return "deregister";
  return path.split("/").at(-1) ?? "";
}
