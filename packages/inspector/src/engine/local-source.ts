import { LIST_PAGE, PATHS, parseJson, textAt } from "@durable-workflow/engine-protocol";
import type { InspectedEngine, InspectedGroup, InspectedSeries } from "@durable-workflow/engine-protocol/control";
import {
  type ActivityDetail,
  type ActivityList,
  type ActivityRow,
  type Counts,
  type Features,
  type Overview,
  type QueueList,
  type Series,
  STATUS_WORDS,
  type TypeList,
  type Worker,
  type WorkerList,
} from "../api/index.js";
import { groupBy } from "../group-by.js";
import { Problem } from "../problem.js";
import { attentionOf } from "../view/attention.js";
import { localDetail } from "../view/local-detail.js";
import { rowOf } from "../view/local-row.js";
import { queuesOf } from "../view/queues.js";
import { CountsBy, noCounts } from "../view/status.js";
import { workerOf } from "../view/workers.js";
import type { EngineCalls } from "./engine-calls.js";
import type { ActivityName, Filter, Source, Watcher } from "./source.js";
import type { EngineTransport } from "./transport.js";

/** Characters of a query that names runs: a server reads no more than 16 KiB of a request's head. */
const LONGEST_NAMES = 8_000;
const MOST_NAMED = 100;

/** A local engine: it tells everything, by routes of its own. */
export class LocalSource implements Source {
  readonly kind = "local";
  readonly notes = [];
  readonly features: Features = {
    counts: true,
    series: true,
    listFilters: ["status", "type", "queue", "id", "time"],
    statusFilters: STATUS_WORDS,
    events: "push",
    attempts: true,
    timers: true,
    queues: true,
    workers: true,
    carriers: false,
    runs: true,
    stackTraces: true,
    start: true,
    cancel: true,
    terminate: true,
    drainQueue: true,
    payloads: true,
  };
  private readonly calls: EngineCalls;
  private readonly transport: EngineTransport;

  constructor(calls: EngineCalls, transport: EngineTransport) {
    this.calls = calls;
    this.transport = transport;
  }

  async now(): Promise<string> {
    return (await this.calls.inspectedPage({ page_size: "1" })).as_of;
  }

  async overview(): Promise<Omit<Overview, "carriers">> {
    const [engine, workers, retrying] = await Promise.all([
      this.calls.inspection(),
      this.calls.workers(),
      this.calls.inspectedPage({ standing: "retrying", page_size: String(LIST_PAGE.most) }),
    ]);
    const queues = queuesOf(engine, workersOf(engine, workers));
    const series = seriesOf(engine.series);
    return {
      asOf: engine.as_of,
      counts: countsOf(engine),
      series,
      queues,
      attention: attentionOf({
        queues,
        retrying: retrying.activities.map((one) => rowOf(one, retrying.as_of)),
        stalled: stalledOf(engine.groups),
        series,
        asOf: engine.as_of,
      }),
    };
  }

  async list(filter: Filter, cursor: string | undefined, limit: number): Promise<ActivityList> {
    if (cursor !== undefined && !/^\d{1,15}$/.test(cursor)) {
      throw new Problem("bad_request", "cursor must be the one that the page before gave", { field: "cursor" });
    }
    const page = await this.calls.inspectedPage({
      standing: listed(filter.status),
      activity_type: listed(filter.types),
      task_queue: listed(filter.queues),
      id_part: filter.idPart,
      since: filter.since,
      until: filter.until,
      before: cursor,
      page_size: String(limit),
    });
    return {
      asOf: page.as_of,
      rows: page.activities.map((one) => rowOf(one, page.as_of)),
      cursor: page.next_before === null ? null : String(page.next_before),
      scanned: page.scanned,
    };
  }

  async rows(names: readonly ActivityName[]): Promise<readonly ActivityRow[]> {
    const rows: ActivityRow[] = [];
    for (const runs of batches(names.map(({ id, runId }) => encodeURIComponent(`${id}/${runId}`)))) {
      const page = await this.calls.inspectedPage({ runs });
      rows.push(...page.activities.map((one) => rowOf(one, page.as_of)));
    }
    return rows;
  }

  async detail(id: string, runId: string | undefined): Promise<ActivityDetail> {
    const told = await this.calls.inspectedDetail(id, runId);
    if (told.activity.closed_at !== null) return localDetail(told, { workers: [], queued: 0, drainingSince: null });
    const { queues } = await this.queues();
    const queue = queues.find((one) => one.queue === told.activity.task_queue);
    return localDetail(told, {
      workers: queue?.workers ?? [],
      queued: queue?.queued ?? 0,
      drainingSince: queue?.drainingSince ?? null,
    });
  }

  async queues(): Promise<QueueList> {
    const [engine, workers] = await Promise.all([this.calls.inspection(), this.calls.workers()]);
    return { asOf: engine.as_of, queues: queuesOf(engine, workersOf(engine, workers)) };
  }

  async workers(): Promise<WorkerList> {
    const [engine, workers] = await Promise.all([this.calls.inspection(), this.calls.workers()]);
    return { asOf: engine.as_of, workers: workersOf(engine, workers) };
  }

  async types(): Promise<TypeList> {
    const [{ asOf, queues }, told] = await Promise.all([this.queues(), this.calls.inputSchemas()]);
    const schemas = new Map(
      told.map((one) => [JSON.stringify([one.task_queue, one.activity_type]), JSON.stringify(one.schema)]),
    );
    const types = queues.flatMap(({ queue, types: own }) =>
      own.map(({ type, workers }) => {
        return { type, queue, workers, inputSchema: schemas.get(JSON.stringify([queue, type])) ?? null };
      }),
    );
    return {
      asOf,
      types: types.toSorted((one, other) => other.workers - one.workers || (one.type < other.type ? -1 : 1)),
    };
  }

  watch(watcher: Watcher, signal: AbortSignal): Promise<boolean> {
    return this.transport.events({
      path: PATHS.events,
      signal,
      onData(text) {
        const event = parseJson(text);
        const [id, runId] = [textAt(event, "activity_id"), textAt(event, "workflow_run_id")];
        if (id !== undefined && runId !== undefined) watcher.onActivities([{ id, runId }]);
      },
      onEnd() {
        watcher.onLost("the engine ended its stream of events");
      },
    });
  }
}

function listed(values: readonly string[]): string {
  return values.map(encodeURIComponent).join(",");
}

function* batches(names: readonly string[]): Generator<string> {
  let batch: string[] = [];
  let length = 0;
  for (const name of names) {
    // Each is encoded once more as a part of the query.
    const own = encodeURIComponent(name).length + 3;
    if (batch.length > 0 && (length + own > LONGEST_NAMES || batch.length === MOST_NAMED)) {
      yield batch.join(",");
      batch = [];
      length = 0;
    }
    batch.push(name);
    length += own;
  }
  if (batch.length > 0) yield batch.join(",");
}

function workersOf(
  { leases }: InspectedEngine,
  workers: Awaited<ReturnType<EngineCalls["workers"]>>,
): readonly Worker[] {
  const held = new Map(leases.map(({ worker_id: id, count }) => [id, count]));
  return workers.map((worker) => workerOf(worker, held));
}

function countsOf({ groups, is_whole: isExact }: InspectedEngine): Counts {
  const byStatus = noCounts();
  const byType = new CountsBy();
  const byQueue = new CountsBy();
  for (const { task_queue: queue, activity_type: type, standing, count } of groups) {
    byStatus[standing] += count;
    byType.add(type, standing, count);
    byQueue.add(queue, standing, count);
  }
  return {
    byStatus,
    byType: byType.most(100).map(([type, counts]) => ({ type, counts })),
    byQueue: byQueue.most(100).map(([queue, counts]) => ({ queue, counts })),
    isExact,
    scope: isExact
      ? null
      : "Of the running, the completed and the other closed activities the newest 100,000 each are counted.",
  };
}

function stalledOf(groups: readonly InspectedGroup[]): readonly { readonly queue: string; readonly count: number }[] {
  const stalled = groupBy(
    groups.filter(({ standing }) => standing === "stalled"),
    ({ task_queue: queue }) => queue,
  );
  return [...stalled].map(([queue, own]) => ({ queue, count: own.reduce((sum, { count }) => sum + count, 0) }));
}

function seriesOf(told: InspectedSeries): Series {
  return {
    from: told.from,
    stepSeconds: told.step_seconds,
    knownSince: told.known_since,
    started: told.started,
    succeeded: told.succeeded,
    failed: told.failed,
    retried: told.retried,
    runSecondsP50: told.run_seconds_p50,
    runSecondsP95: told.run_seconds_p95,
    waitSecondsP50: told.wait_seconds_p50,
    waitSecondsP95: told.wait_seconds_p95,
  };
}
