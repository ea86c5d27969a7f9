import type { ListedActivity, ListedWorker } from "@durable-workflow/client/tools";
import { closest } from "../shell/suggest.js";

/** An activity that no registered worker takes: it waits, and says nothing. */
export interface Untaken {
  readonly taskQueue: string;
  readonly type: string;
  /** The type, or else the task queue, that was probably meant; null where none is near. */
  readonly suggestion: string | null;
  /** As a sentence without an end. */
  readonly message: string;
}

type Asked = Pick<ListedActivity, "task_queue" | "activity_type">;

/**
 * Whether nobody takes an activity, by the workers that are registered; undefined where somebody does, or where that cannot
 * be told, as a worker does not say what it takes.
 */
export function untaken(
  { task_queue: taskQueue, activity_type: type }: Asked,
  workers: readonly ListedWorker[],
): Untaken | undefined {
  const active = workers.filter(({ status }) => status !== "stale");
  const own = active.filter((worker) => worker.task_queue === taskQueue);
  if (own.some(({ supported_activity_types: types }) => types.length === 0 || types.includes(type))) return undefined;
  return own.length === 0 ? unserved(taskQueue, type, active) : unknownType(taskQueue, type, own);
}

function unknownType(taskQueue: string, type: string, own: readonly ListedWorker[]): Untaken {
  const suggestion = closest(type, new Set(own.flatMap((worker) => worker.supported_activity_types))) ?? null;
  const meant = suggestion === null ? "" : `; did you mean ${suggestion}?`;
  return { taskQueue, type, suggestion, message: `no worker of queue ${taskQueue} takes ${type}${meant}` };
}

function unserved(taskQueue: string, type: string, active: readonly ListedWorker[]): Untaken {
  const others = active.filter((worker) => worker.supported_activity_types.includes(type));
  const queues = new Set((others.length > 0 ? others : active).map((worker) => worker.task_queue));
  const suggestion = (others.length > 0 ? [...queues][0] : closest(taskQueue, queues)) ?? null;
  const meant =
    suggestion === null
      ? ""
      : others.length > 0
        ? `; workers of queue ${suggestion} take ${type}`
        : `; did you mean queue ${suggestion}?`;
  return { taskQueue, type, suggestion, message: `no worker serves queue ${taskQueue}${meant}` };
}

/** Of activities that run: each that nobody takes, once for each type of each task queue. */
export function allUntaken(
  activities: readonly Asked[],
  workers: readonly ListedWorker[],
): ReadonlyMap<string, Untaken> {
  const found = new Map<string, Untaken>();
  for (const activity of activities) {
    const one = found.has(untakenKey(activity)) ? undefined : untaken(activity, workers);
    if (one !== undefined) found.set(untakenKey(activity), one);
  }
  return found;
}

export function untakenKey({ task_queue: taskQueue, activity_type: type }: Asked): string {
  return JSON.stringify([taskQueue, type]);
}
