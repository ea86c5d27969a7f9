import { LIST_PAGE, nextPageField } from "@durable-workflow/engine-protocol";
import {
  type ActivityPage,
  BUCKET_OF,
  type HistoryEvent,
  type ListedActivity,
} from "@durable-workflow/engine-protocol/control";
import type {
  ActivityDetail,
  ActivityList,
  ActivityRow,
  Features,
  Overview,
  Queue,
  QueueList,
  StatusWord,
  TypeList,
  Worker,
  WorkerList,
} from "../api/index.js";
import { groupBy } from "../group-by.js";
import { Problem } from "../problem.js";
import { microsOf } from "../time.js";
import { serverDetail } from "../view/server-detail.js";
import { serverRow } from "../view/server-row.js";
import { CountsBy, noCounts } from "../view/status.js";
import { workerOf } from "../view/workers.js";
import type { EngineCalls } from "./engine-calls.js";
import type { ActivityName, Filter, Source, Watcher } from "./source.js";

/** Pages that are looked through for one page of a filtered list. */
const MOST_PAGES = 5;
const MOST_HISTORY_PAGES = 5;
const WATCH_MS = 3_000;
const SAMPLE_PAGES = 2;

/** Any other engine, by its released API: what that does not tell is not made up. */
export class ServerSource implements Source {
  readonly kind = "server";
  readonly features: Features = {
    counts: false,
    series: false,
    listFilters: ["status", "type", "queue", "id", "time"],
    statusFilters: ["queued", "running", "retrying", "succeeded", "failed", "cancelled"],
    events: "poll",
    attempts: true,
    timers: false,
    queues: true,
    workers: true,
    carriers: false,
    runs: false,
    stackTraces: false,
    start: true,
    cancel: true,
    terminate: true,
    drainQueue: false,
    payloads: true,
  };
  readonly notes: Source["notes"] = [
    { feature: "counts", text: "A server counts nothing: the newest 400 activities are counted here." },
    { feature: "series", text: "A server keeps no series of what happened." },
    {
      feature: "listFilters",
      text: "A server filters by status alone; the other filters look through its pages, a thousand activities at a time.",
    },
    {
      feature: "events",
      text: "A server has no stream of events: its newest activities are asked for every three seconds.",
    },
    { feature: "timers", text: "A server tells of next tries and deadlines with each activity alone." },
    {
      feature: "queues",
      text: "Of queues a server tells the workers; what waits is known of the newest 400 activities.",
    },
    { feature: "runs", text: "A server lists no earlier runs of an id by themselves." },
    { feature: "stackTraces", text: "Histories of servers hold no stack traces." },
    { feature: "drainQueue", text: "Queues of a server cannot be drained from here." },
  ];
  private readonly calls: EngineCalls;

  constructor(calls: EngineCalls) {
    this.calls = calls;
  }

  // A server does not tell its time: that of this machine stands for it.
  async now(): Promise<string> {
    return Promise.resolve(new Date().toISOString());
  }

  async overview(): Promise<Omit<Overview, "carriers">> {
    const { rows, asOf, isWhole } = await this.sample();
    const byStatus = noCounts();
    const byType = new CountsBy();
    const byQueue = new CountsBy();
    for (const { status, type, queue } of rows) {
      byStatus[status] += 1;
      byType.add(type, status, 1);
      byQueue.add(queue, status, 1);
    }
    return {
      asOf,
      counts: {
        byStatus,
        byType: byType.most(100).map(([type, counts]) => ({ type, counts })),
        byQueue: byQueue.most(100).map(([queue, counts]) => ({ queue, counts })),
        isExact: isWhole,
        scope: isWhole ? null : `The newest ${rows.length} activities are counted.`,
      },
      series: null,
      queues: queuesOf(rows, (await this.workers()).workers),
      attention: [],
    };
  }

  async list(filter: Filter, cursor: string | undefined, limit: number): Promise<ActivityList> {
    const asOf = await this.now();
    const bucket = bucketOf(filter.status);
    let { token, skip } = readCursor(cursor);
    const rows: ActivityRow[] = [];
    let scanned = 0;
    for (let pages = 0; pages < MOST_PAGES; pages++) {
      const page = await this.page(bucket, token);
      for (const [index, told] of page.activities.entries()) {
        if (index < skip) continue;
        scanned += 1;
        const row = serverRow(told, asOf);
        if (matches(row, filter)) rows.push(row);
        if (rows.length === limit) return { asOf, rows, cursor: writeCursor({ token, skip: index + 1 }), scanned };
      }
      skip = 0;
      if (page.next_page_token === null) return { asOf, rows, cursor: null, scanned };
      token = nextOf(page);
    }
    return { asOf, rows, cursor: writeCursor({ token, skip: 0 }), scanned };
  }

  async rows(names: readonly ActivityName[]): Promise<readonly ActivityRow[]> {
    const wanted = new Set(names.map(({ id, runId }) => `${id}/${runId}`));
    const { rows } = await this.sample();
    return rows.filter(({ id, runId }) => wanted.has(`${id}/${runId}`));
  }

  async detail(id: string, runId: string | undefined): Promise<ActivityDetail> {
    const description = await this.calls.describe(id);
    if (runId !== undefined && runId !== description.workflow_run_id) {
      throw new Problem("unsupported", "this engine describes the newest run of an id alone", {
        hint: "Open it without a run, or look at the history of the run.",
        field: "runId",
      });
    }
    const [history, workers] = await Promise.all([this.history(id, description.workflow_run_id), this.workers()]);
    const own = workers.workers.filter(({ queue }) => queue === description.task_queue);
    return serverDetail(description, history, { workers: own }, await this.now());
  }

  async queues(): Promise<QueueList> {
    const [{ rows, asOf }, { workers }] = await Promise.all([this.sample(), this.workers()]);
    return { asOf, queues: queuesOf(rows, workers) };
  }

  async workers(): Promise<WorkerList> {
    const workers = await this.calls.workers();
    return { asOf: await this.now(), workers: workers.map((worker) => workerOf(worker, undefined)) };
  }

  async types(): Promise<TypeList> {
    const { asOf, workers } = await this.workers();
    const takers = groupBy(
      workers.flatMap(({ queue, types, state }) => types.map((type) => ({ queue, type, state }))),
      ({ queue, type }) => JSON.stringify([queue, type]),
    );
    const types = [...takers.values()].flatMap((own) => {
      const [first] = own;
      if (first === undefined) return [];
      const active = own.filter(({ state }) => state !== "silent").length;
      return [{ type: first.type, queue: first.queue, workers: active, inputSchema: null }];
    });
    return { asOf, types };
  }

  async watch(watcher: Watcher, signal: AbortSignal): Promise<boolean> {
    let known = new Map((await this.sample()).rows.map((row) => [`${row.id}/${row.runId}`, standingOf(row)]));
    const look = async (): Promise<void> => {
      if (signal.aborted) return;
      try {
        const { rows } = await this.sample();
        const changed = rows.filter((row) => known.get(`${row.id}/${row.runId}`) !== standingOf(row));
        known = new Map(rows.map((row) => [`${row.id}/${row.runId}`, standingOf(row)]));
        if (changed.length > 0) watcher.onActivities(changed);
      } catch (error) {
        if (!signal.aborted) watcher.onLost(error instanceof Error ? error.message : "the engine gave no answer");
        return;
      }
      again();
    };
    const again = (): void => {
      const timer = setTimeout(() => void look(), WATCH_MS);
      signal.addEventListener(
        "abort",
        () => {
          clearTimeout(timer);
        },
        { once: true },
      );
    };
    again();
    return true;
  }

  private page(bucket: string | undefined, token: string | undefined): ReturnType<EngineCalls["list"]> {
    return this.calls.list({ status: bucket, page_size: String(LIST_PAGE.most), next_page_token: token });
  }

  /** The newest activities. */
  private async sample(): Promise<{
    readonly rows: readonly ActivityRow[];
    readonly asOf: string;
    readonly isWhole: boolean;
  }> {
    const asOf = await this.now();
    const activities: ListedActivity[] = [];
    let token: string | undefined;
    for (let pages = 0; pages < SAMPLE_PAGES; pages++) {
      const page = await this.page(undefined, token);
      activities.push(...page.activities);
      if (page.next_page_token === null)
        return { rows: activities.map((one) => serverRow(one, asOf)), asOf, isWhole: true };
      token = nextOf(page);
    }
    return { rows: activities.map((one) => serverRow(one, asOf)), asOf, isWhole: false };
  }

  private async history(
    id: string,
    runId: string,
  ): Promise<{ readonly events: readonly HistoryEvent[]; readonly isWhole: boolean }> {
    const events: HistoryEvent[] = [];
    let token: string | undefined;
    for (let pages = 0; pages < MOST_HISTORY_PAGES; pages++) {
      const page = await this.calls.history(id, runId, { next_page_token: token });
      events.push(...page.events);
      token = page.next_page_token ?? undefined;
      if (token === undefined) return { events, isWhole: true };
    }
    return { events, isWhole: false };
  }
}

/** What tells one state of a line from the next. */
function standingOf({ status, attempt, lastHeartbeatAt, worker }: ActivityRow): string {
  return JSON.stringify([status, attempt, lastHeartbeatAt, worker]);
}

/** The one bucket in which all of these are; undefined for several. */
function bucketOf(status: readonly StatusWord[]): string | undefined {
  const buckets = new Set(status.map((word) => BUCKET_OF[word]));
  return buckets.size === 1 ? [...buckets][0] : undefined;
}

function matches(row: ActivityRow, filter: Filter): boolean {
  const started = microsOf(row.startedAt) ?? 0;
  const [since, until] = [microsOf(filter.since), microsOf(filter.until)];
  return (
    (filter.status.length === 0 || filter.status.includes(row.status)) &&
    (filter.types.length === 0 || filter.types.includes(row.type)) &&
    (filter.queues.length === 0 || filter.queues.includes(row.queue)) &&
    (filter.idPart === undefined || row.id.includes(filter.idPart)) &&
    (since === undefined || started >= since) &&
    (until === undefined || started < until)
  );
}

interface Cursor {
  /** Of the server's page. */
  readonly token: string | undefined;
  /** Of its activities these were looked at. */
  readonly skip: number;
}

function writeCursor({ token, skip }: Cursor): string {
  return Buffer.from(JSON.stringify([token ?? null, skip])).toString("base64url");
}

function readCursor(cursor: string | undefined): { token: string | undefined; skip: number } {
  if (cursor === undefined) return { token: undefined, skip: 0 };
  try {
    const [token, skip] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as [unknown, unknown];
    if ((token === null || typeof token === "string") && Number.isInteger(skip)) {
      return { token: token ?? undefined, skip: skip as number };
    }
  } catch {
    // Told below.
  }
  throw new Problem("bad_request", "cursor must be the one that the page before gave", { field: "cursor" });
}

function queuesOf(rows: readonly ActivityRow[], workers: readonly Worker[]): readonly Queue[] {
  const open = groupBy(
    rows.filter(({ closedAt }) => closedAt === null),
    ({ queue }) => queue,
  );
  const asking = groupBy(workers, ({ queue }) => queue);
  return [...new Set([...open.keys(), ...asking.keys()])]
    .toSorted()
    .slice(0, 500)
    .map((queue) => {
      const own = open.get(queue) ?? [];
      const takers = asking.get(queue) ?? [];
      const waiting = own.filter(({ status }) => status === "queued" || status === "retrying");
      const oldest = waiting.map(({ startedAt }) => startedAt).toSorted()[0] ?? null;
      const hasTaker = takers.some(({ state }) => state !== "silent");
      const text = `${waiting.length} wait and ${own.length - waiting.length} run, of the newest activities; ${takers.length} workers.`;
      return {
        queue,
        queued: waiting.length,
        delayed: 0,
        running: own.length - waiting.length,
        oldestSince: oldest,
        drainingSince: null,
        types: [...new Set(takers.flatMap(({ types }) => types))].toSorted().map((type) => ({
          type,
          queued: waiting.filter((row) => row.type === type).length,
          running: own.filter((row) => row.type === type).length - waiting.filter((row) => row.type === type).length,
          workers: takers.filter((worker) => worker.types.includes(type) && worker.state !== "silent").length,
        })),
        workers: takers.slice(0, 50),
        verdict: {
          state: waiting.length > 0 ? (hasTaker ? "waiting" : "no_worker") : own.length > 0 ? "moving" : "idle",
          text,
        },
      } satisfies Queue;
    });
}

/** What asks for the next page. */
function nextOf(page: ActivityPage): string | undefined {
  return page[nextPageField(page)] ?? undefined;
}
