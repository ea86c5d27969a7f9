import type { ActivityRow, Attempt, WhyWaiting, Worker } from "../api/index.js";
import { secondsBetween, shortDuration } from "../time.js";
import { takes } from "./workers.js";

/** What is known of an activity's surroundings. Undefined where the engine does not tell. */
export interface Surroundings {
  readonly asOf: string;
  readonly attempts: readonly Attempt[];
  /** Of its queue. */
  readonly workers: readonly Worker[] | undefined;
  /** Others that may be leased from its queue. */
  readonly queued: number | undefined;
  readonly drainingSince: string | null;
}

/** Why an activity does not go on, or that it does. */
export function whyWaiting(row: ActivityRow, around: Surroundings): WhyWaiting {
  const { asOf, attempts } = around;
  const nextAt = row.next?.at ?? null;
  const none = { since: null, nextAt, remedy: null, command: null };
  const last = attempts.at(-1);
  const tries = row.maxAttempts === null ? "" : ` of ${row.maxAttempts}`;
  switch (row.status) {
    case "succeeded":
    case "failed":
    case "cancelled":
      return { ...none, reason: "closed", text: `It is over: ${row.closedReason ?? row.status}.`, since: row.closedAt };
    case "running": {
      const by = row.worker === null ? "" : ` on ${row.worker}`;
      const text = `Try ${row.attempt ?? 1}${tries} runs${by}.`;
      return { ...none, reason: "running", text, since: last?.startedAt ?? null };
    }
    case "stalled":
      return {
        ...none,
        reason: "stalled",
        text: `Its lease or heartbeat is overdue${row.worker === null ? "" : `: ${row.worker} is silent`}.`,
        since: last?.lastHeartbeatAt ?? last?.startedAt ?? null,
        remedy:
          "The engine takes the task back by itself. Look at the worker's process: it ended, is blocked, or cannot reach the engine.",
      };
    case "queued":
    case "delayed":
    case "retrying":
      break;
  }
  const wait = row.next?.what === "retry" ? (secondsBetween(asOf, row.next.at) ?? 0) : 0;
  if (wait > 0) {
    const after =
      row.attempt === null || row.attempt === 0 ? "It may not start yet" : `Backoff after try ${row.attempt}${tries}`;
    const since = last?.closedAt ?? row.startedAt;
    const reason = row.status === "delayed" ? ("delayed" as const) : ("backoff" as const);
    return { ...none, reason, text: `${after}: the next try is in ${shortDuration(wait)}.`, since };
  }
  return { ...forWorker(row, around), nextAt };
}

function forWorker(row: ActivityRow, { workers, queued, attempts }: Surroundings): Omit<WhyWaiting, "nextAt"> {
  const since = attempts.at(-1)?.closedAt ?? row.startedAt;
  const none = { since, remedy: null, command: null };
  if (workers === undefined) {
    return {
      ...none,
      reason: "unknown",
      text: `It waits for a worker of queue ${row.queue}; this engine does not tell who asks.`,
    };
  }
  const able = workers.filter((worker) => takes(worker, row.type));
  const active = able.filter(({ state }) => state !== "silent");
  if (able.length === 0) {
    const others =
      workers.length === 0
        ? "no worker asks for that queue"
        : `none of its ${workers.length} workers takes ${row.type}`;
    return {
      ...none,
      reason: "no_worker",
      text: `It waits in queue ${row.queue}: ${others}.`,
      remedy: `Start a worker, or a dispatcher, that takes ${row.type} from queue ${row.queue}.`,
    };
  }
  if (active.length === 0) {
    const silent =
      able.length === 1
        ? `${able[0]?.id ?? "its worker"} is silent`
        : `all ${able.length} workers that take it are silent`;
    return {
      ...none,
      reason: "workers_silent",
      text: `It waits in queue ${row.queue}: ${silent}.`,
      remedy: "Look at their processes, and whether they can reach the engine.",
    };
  }
  if (active.every(({ state }) => state === "full")) {
    const busy =
      active.length === 1 ? `${active[0]?.id ?? "its worker"} is full` : `all ${active.length} workers are full`;
    return {
      ...none,
      reason: "workers_busy",
      text: `It waits in queue ${row.queue}: ${busy}.`,
      remedy: "It is taken once a slot is free. More workers, or more slots for each, make that sooner.",
    };
  }
  const line = queued === undefined || queued <= 1 ? "" : `, among ${queued} that may be taken`;
  return {
    ...none,
    reason: "next_in_queue",
    text: `It waits in queue ${row.queue}${line}; ${active.length === 1 ? "a worker asks" : `${active.length} workers ask`} for it.`,
  };
}
