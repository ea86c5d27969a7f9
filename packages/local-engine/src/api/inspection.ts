import { setImmediate as nextTurn } from "node:timers/promises";
import { LIST_PAGE, PATHS } from "@durable-workflow/engine-protocol";
import type {
  InspectedDetail,
  InspectedEngine,
  InspectedGroup,
  InspectedPage,
  Standing,
} from "@durable-workflow/engine-protocol/control";
import type { Micros } from "../engine/model.js";
import { type Call, type Reply, ReplyError } from "../http/call.js";
import { Fields } from "../http/fields.js";
import type { Route } from "../http/router.js";
import type { GroupRecord, Groups, InspectedRecord, InspectionFilter } from "../store/inspection.js";
import type { AttemptRecord, FailureRecord } from "../store/records.js";
import { failureToWire } from "../wire/activity.js";
import {
  type Beat,
  inspectedAttemptToWire,
  inspectedPayloadToWire,
  inspectedToWire,
  seriesToWire,
} from "../wire/inspection.js";
import { policyToWire } from "../wire/policy.js";
import { timestamp } from "../wire/time.js";
import { type ApiParts, CONTROL_ROLES } from "./parts.js";

const MOST_ATTEMPTS = 100;
const MOST_BEATS = 2000;
const MOST_BEATS_EACH = 200;
const MOST_RUNS = 50;
const MOST_GROUPS = 2000;
const MOST_DRAINED = 1000;
/** So few are counted anew whenever somebody asks. */
const FEW = 5_000;
/** Counting more may take one part in so many of the engine's time. */
const COUNT_SHARE = 50;
const STANDINGS: readonly string[] = [
  "queued",
  "delayed",
  "running",
  "retrying",
  "stalled",
  "succeeded",
  "failed",
  "cancelled",
] satisfies readonly Standing[];

/** What the engine tells those who look at it: reads, each of a bounded number of rows. This engine's own addition. */
export function inspectionRoutes(parts: ApiParts): readonly Route[] {
  const common = { method: "GET", plane: "control", roles: CONTROL_ROLES } as const;
  const counts = new Counts(parts);
  return [
    { ...common, pattern: PATHS.inspection, handle: (call) => engine(parts, counts, call) },
    { ...common, pattern: PATHS.inspectedActivities, handle: (call) => activities(parts, call) },
    { ...common, pattern: PATHS.inspectedActivity, handle: (call) => activity(parts, call) },
  ];
}

interface Counted extends Groups {
  readonly untilMs: number;
}

/** Where there are many, counts anew only once that has cost little of the time since. */
class Counts {
  private readonly parts: ApiParts;
  private readonly kept = new Map<string, Counted>();
  private readonly counting = new Map<string, Promise<Counted>>();

  constructor(parts: ApiParts) {
    this.parts = parts;
  }

  /** Those who ask while it is counted get that count. */
  of(namespace: string): Promise<Counted> {
    const last = this.kept.get(namespace);
    if (last !== undefined && performance.now() < last.untilMs) return Promise.resolve(last);
    const counting = this.counting.get(namespace);
    if (counting !== undefined) return counting;
    const begun = this.count(namespace).finally(() => {
      this.counting.delete(namespace);
    });
    this.counting.set(namespace, begun);
    return begun;
  }

  private async count(namespace: string): Promise<Counted> {
    const { store, now } = this.parts.context;
    const parts = store.inspection.groups(namespace, now());
    let tookMs = 0;
    for (;;) {
      const begun = performance.now();
      const part = parts.next();
      tookMs += performance.now() - begun;
      if (part.done === true) return this.keep(namespace, part.value, tookMs);
      await nextTurn();
    }
  }

  private keep(namespace: string, found: Groups, tookMs: number): Counted {
    const many = found.groups.reduce((sum, { count }) => sum + count, 0) > FEW;
    const counted = { ...found, untilMs: many ? performance.now() + tookMs * COUNT_SHARE : 0 };
    this.kept.set(namespace, counted);
    return counted;
  }
}

async function engine({ context }: ApiParts, counts: Counts, { namespace }: Call): Promise<Reply> {
  const { store, recent } = context;
  const { groups, isWhole } = await counts.of(namespace);
  const now = context.now();
  const most = groups.toSorted((one, other) => other.count - one.count).slice(0, MOST_GROUPS);
  const body: InspectedEngine = {
    as_of: timestamp(now),
    groups: most.map(groupToWire),
    is_whole: isWhole && most.length === groups.length,
    drained_queues: store.inspection
      .drainedQueues(namespace, MOST_DRAINED)
      .map(({ taskQueue, since }) => ({ task_queue: taskQueue, since: timestamp(since) })),
    leases: [...store.leases.countsOf(namespace)].map(([worker_id, count]) => ({ worker_id, count })),
    series: seriesToWire(recent.series(namespace, now)),
  };
  return { status: 200, body };
}

function groupToWire(group: GroupRecord): InspectedGroup {
  const waits = group.standing === "queued" || group.standing === "retrying" || group.standing === "delayed";
  return {
    task_queue: group.taskQueue,
    activity_type: group.activityType,
    standing: group.standing,
    count: group.count,
    later: waits ? group.later : 0,
    oldest_available_at: waits ? timestamp(group.oldestAvailableAt) : null,
  };
}

function activities({ context }: ApiParts, { namespace, query }: Call): Reply {
  const { inspection } = context.store;
  const now = context.now();
  const as_of = timestamp(now);
  const runs = listOf(query, "runs");
  if (runs.length > 0) {
    if (runs.length > LIST_PAGE.most) throw tooMany("runs");
    const records = inspection.ofRuns(namespace, runs, now);
    return { status: 200, body: page(as_of, records, null, records.length) };
  }
  const fields = new Fields();
  const limit = fields.integer({ page_size: query.get("page_size") }, "page_size", { min: 1, max: LIST_PAGE.most });
  const before = fields.integer({ before: query.get("before") }, "before", { min: 0 });
  const filter: InspectionFilter = {
    standings: standingsOf(fields, query),
    types: listOf(query, "activity_type"),
    queues: listOf(query, "task_queue"),
    idPart: query.get("id_part") ?? undefined,
    since: instantOf(fields, query, "since"),
    until: instantOf(fields, query, "until"),
    before,
  };
  if (filter.types.length + filter.queues.length > LIST_PAGE.most) throw tooMany("activity_type");
  fields.check();
  const found = inspection.page(namespace, filter, limit ?? LIST_PAGE.default, now);
  return { status: 200, body: page(as_of, found.records, found.nextBefore ?? null, found.lookedAt) };
}

function page(
  as_of: string,
  records: readonly InspectedRecord[],
  next_before: number | null,
  scanned: number,
): InspectedPage {
  return { as_of, activities: records.map(inspectedToWire), next_before, scanned };
}

/** Each encoded once more within the list, so that a value may hold a comma. */
function listOf(query: URLSearchParams, name: string): readonly string[] {
  const text = query.get(name) ?? "";
  return text === "" ? [] : text.split(",").map(decode);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function standingsOf(fields: Fields, query: URLSearchParams): readonly Standing[] {
  const all = listOf(query, "standing");
  if (all.some((one) => !STANDINGS.includes(one))) fields.add("standing", "The selected standing is invalid.");
  return all as readonly Standing[];
}

function instantOf(fields: Fields, query: URLSearchParams, name: string): Micros | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? fields.add(name, `The ${name} field must be an RFC 3339 instant.`) : ms * 1000;
}

function tooMany(name: string): ReplyError {
  const message = `The ${name} field must not hold more than ${LIST_PAGE.most} values.`;
  return new ReplyError(422, { message, reason: "validation_failed", errors: { [name]: [message] } });
}

function activity({ context }: ApiParts, { namespace, query }: Call): Reply {
  const { store } = context;
  const id = query.get("id") ?? "";
  const runId = query.get("run");
  const run = runId === null ? store.runs.latest(id) : store.runs.ofRunId(id, runId);
  const now = context.now();
  const record = run?.namespace === namespace ? store.inspection.get(run.key, now) : undefined;
  if (run === undefined || record === undefined) {
    throw new ReplyError(404, { message: "Standalone activity not found.", reason: "activity_not_found" });
  }
  const { failure } = store.runs.outcome(run.key);
  const body: InspectedDetail = {
    as_of: timestamp(now),
    activity: inspectedToWire(record),
    namespace,
    retry_policy: policyToWire(run.state.policy),
    attempts: attemptsOf(context, record),
    failure: failure === null ? null : failureToWire(JSON.parse(failure) as FailureRecord),
    input: inspectedPayloadToWire(store.inspection.input(run.key)),
    result: inspectedPayloadToWire(store.inspection.result(run.key)),
    runs: store.inspection.runsOf(namespace, id, MOST_RUNS, now).map((other) => {
      const { run_id, standing, started_at, closed_at } = inspectedToWire(other);
      return { run_id, standing, started_at, closed_at };
    }),
  };
  return { status: 200, body };
}

function attemptsOf({ store }: ApiParts["context"], { run }: InspectedRecord): InspectedDetail["attempts"] {
  const attempts = store.attempts.newestOf(run.key, MOST_ATTEMPTS);
  const retries = store.inspection.retriesOf(run.key, MOST_ATTEMPTS + 1);
  const beats = new Map<number, Beat[]>();
  for (const { at, number, progress } of store.inspection.beatsOf(run.key, MOST_BEATS)) {
    const own = beats.get(number) ?? [];
    if (own.length < MOST_BEATS_EACH) own.push({ at, progress });
    beats.set(number, own);
  }
  const availableAt = (attempt: AttemptRecord, before: AttemptRecord | undefined): Micros | undefined => {
    if (attempt.number === 1) return run.state.startedAt;
    // A lease that ran out puts the task back at once.
    return retries.get(attempt.number - 1) ?? before?.closedAt ?? undefined;
  };
  return attempts.map((attempt, index) =>
    inspectedAttemptToWire(
      run,
      attempt,
      availableAt(attempt, attempts[index - 1]),
      (beats.get(attempt.number) ?? []).toReversed(),
    ),
  );
}
