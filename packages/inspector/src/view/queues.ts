import type { InspectedEngine, InspectedGroup } from "@durable-workflow/engine-protocol/control";
import type { Queue, QueueType, Worker } from "../api/index.js";
import { groupBy } from "../group-by.js";
import { earliest, secondsBetween, shortDuration } from "../time.js";
import { takes } from "./workers.js";

const MOST_QUEUES = 500;
const MOST_WORKERS = 50;

type Told = Pick<InspectedEngine, "groups" | "drained_queues" | "as_of">;

/** Every queue in which something waits or runs, that a worker asks for, or that is drained. Those with most waiting first. */
export function queuesOf(told: Told, workers: readonly Worker[]): readonly Queue[] {
  const groups = groupBy(
    told.groups.filter(({ standing }) => isOpen(standing)),
    ({ task_queue: queue }) => queue,
  );
  const asking = groupBy(workers, ({ queue }) => queue);
  const drained = new Map(told.drained_queues.map(({ task_queue: queue, since }) => [queue, since]));
  const names = new Set([...groups.keys(), ...asking.keys(), ...drained.keys()]);
  return [...names]
    .map((queue) =>
      queueOf(queue, groups.get(queue) ?? [], asking.get(queue) ?? [], drained.get(queue) ?? null, told.as_of),
    )
    .toSorted(
      (one, other) => other.queued - one.queued || other.running - one.running || (one.queue < other.queue ? -1 : 1),
    )
    .slice(0, MOST_QUEUES);
}

function isOpen(standing: InspectedGroup["standing"]): boolean {
  return standing !== "succeeded" && standing !== "failed" && standing !== "cancelled";
}

function isLeased({ standing }: InspectedGroup): boolean {
  return standing === "running" || standing === "stalled";
}

function queueOf(
  queue: string,
  groups: readonly InspectedGroup[],
  workers: readonly Worker[],
  drainingSince: string | null,
  asOf: string,
): Queue {
  const types = typesOf(groups, workers);
  const sum = (of: (group: InspectedGroup) => number): number => groups.reduce((total, group) => total + of(group), 0);
  const ready = groups.filter((group) => !isLeased(group) && group.count > group.later);
  const told = {
    queued: sum((group) => (isLeased(group) ? 0 : group.count - group.later)),
    delayed: sum(({ later }) => later),
    running: sum((group) => (isLeased(group) ? group.count : 0)),
    oldestSince: earliest(...ready.map(({ oldest_available_at: at }) => at)) ?? null,
    drainingSince,
  };
  return {
    queue,
    ...told,
    types,
    workers: workers.slice(0, MOST_WORKERS),
    verdict: verdictOf({ queue, types, workers, asOf, ...told }),
  };
}

function typesOf(groups: readonly InspectedGroup[], workers: readonly Worker[]): readonly QueueType[] {
  const active = workers.filter(({ state }) => state !== "silent");
  const names = new Set([...groups.map(({ activity_type: type }) => type), ...workers.flatMap(({ types }) => types)]);
  return [...names]
    .toSorted()
    .slice(0, 500)
    .map((type) => {
      const own = groups.filter(({ activity_type: one }) => one === type);
      return {
        type,
        queued: own.reduce((total, group) => total + (isLeased(group) ? 0 : group.count), 0),
        running: own.reduce((total, group) => total + (isLeased(group) ? group.count : 0), 0),
        workers: active.filter((worker) => takes(worker, type)).length,
      };
    });
}

function verdictOf(
  told: Pick<Queue, "queue" | "types" | "workers" | "queued" | "running" | "oldestSince" | "drainingSince"> & {
    readonly asOf: string;
  },
): Queue["verdict"] {
  const { queued, running, types, workers, oldestSince, asOf } = told;
  const waited = shortDuration(secondsBetween(oldestSince, asOf) ?? 0);
  const untaken = types.filter((type) => type.queued > 0 && type.workers === 0);
  if (queued > 0 && untaken.length > 0) {
    const names = untaken
      .slice(0, 3)
      .map(({ type }) => type)
      .join(", ");
    const silent = workers.filter(({ state }) => state === "silent").length;
    const who =
      workers.length === 0
        ? "no worker asks for this queue"
        : silent === workers.length
          ? `its ${silent === 1 ? "worker is" : `${silent} workers are`} silent`
          : `no active worker takes ${names}`;
    return { state: "no_worker", text: `${queued} queued, the oldest for ${waited}: ${who}.` };
  }
  if (told.drainingSince !== null) {
    return {
      state: "draining",
      text: `Takes no new activities; ${queued} queued and ${running} running are still done.`,
    };
  }
  const active = workers.filter(({ state }) => state !== "silent");
  if (queued > 0 && active.length > 0 && active.every(({ state }) => state === "full")) {
    return {
      state: "busy",
      text: `${queued} queued, the oldest for ${waited}: all ${active.length} workers are full.`,
    };
  }
  if (queued > 0)
    return { state: "waiting", text: `${queued} queued, the oldest for ${waited}; ${active.length} workers ask.` };
  if (running > 0) return { state: "moving", text: `${running} running, none queued.` };
  return { state: "idle", text: "Nothing is queued, and nothing runs." };
}
