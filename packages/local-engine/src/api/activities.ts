import { LIST_PAGE, LONGEST_NAME, PATHS, type Reason } from "@durable-workflow/engine-protocol";
import { type ActivityPage, LONGEST_WAIT_SECONDS, STATUS_BUCKETS } from "@durable-workflow/engine-protocol/control";
import type { RetryPolicy } from "../engine/model.js";
import { fingerprintOf } from "../fingerprint.js";
import { type Call, type JsonObject, type Reply, ReplyError } from "../http/call.js";
import { Fields, invalidField, isObject } from "../http/fields.js";
import type { LongText } from "../http/long-text.js";
import { pageCursor, pageToken, readPlace } from "../http/page-token.js";
import type { Route } from "../http/router.js";
import { type StartRequest, startActivity } from "../service/starts.js";
import { isBlob, type Payload } from "../store/payloads.js";
import type { Bucket, FailureRecord, RunRecord } from "../store/records.js";
import { type Described, describedToWire, endedToWire, listedToWire, startedToWire } from "../wire/activity.js";
import { refuseUndecodable } from "../wire/decodable.js";
import { PayloadRefusedError, refusalOf, refusedStart } from "../wire/payload-errors.js";
import { encode, isEnvelope, readPayload, readReference, refuseStorageReferences } from "../wire/payloads.js";
import { checkThere, started } from "./named-payloads.js";
import { type ApiParts, CONTROL_ROLES } from "./parts.js";

const DEFAULT_QUEUE = "default";
const ACTIVITY_ID = /^[a-zA-Z0-9._:-]+$/;
/** The newest: a description has to stay small however often the activity is retried. */
const DESCRIBED_ATTEMPTS = 100;
/** Of each activity of a list. */
const LISTED_ATTEMPTS = 10;

export function activityRoutes(parts: ApiParts): readonly Route[] {
  const plane = "control";
  const roles = CONTROL_ROLES;
  return [
    { method: "POST", pattern: PATHS.activities, plane, roles, payload: "input", handle: (call) => start(parts, call) },
    { method: "GET", pattern: PATHS.activities, plane, roles, handle: (call) => list(parts, call) },
    { method: "GET", pattern: PATHS.activity, plane, roles, handle: (call) => describe(parts, call) },
  ];
}

async function start(parts: ApiParts, call: Call): Promise<Reply> {
  const { context, keeper } = parts;
  const waitMs = readWait(call.query);
  const request = await started(async () => {
    const read = readStart(call);
    await checkThere(keeper, call.namespace, read.input);
    return read;
  });
  const outcome = await context.store.transact(() => startActivity(context, request));
  const id = request.activityId;
  switch (outcome.kind) {
    case "started":
      return waitMs === 0
        ? { status: 201, body: startedToWire(outcome.run) }
        : ended(parts, call.onDisconnect, outcome.run, waitMs);
    case "payload_refused":
      throw refusedStart(new PayloadRefusedError(refusalOf(outcome.fault)));
    case "already_running":
      throw invalidField("activity_id", `Standalone activity [${id}] is already running.`);
    case "reserved_in_namespace":
      throw rejected(
        id,
        "activity_id_reserved_in_namespace",
        `Identifier [${id}] is already reserved in another namespace.`,
      );
    case "queue_draining":
      throw rejected(
        id,
        "task_queue_draining",
        `Task queue [${request.taskQueue}] is draining and takes no new activities. Resume it, or use another queue.`,
      );
  }
}

type OnDisconnect = Call["onDisconnect"];

/** The answer to a start that may be held back until the activity has closed. Nothing holds its arguments meanwhile. */
async function ended(parts: ApiParts, onDisconnect: OnDisconnect, begun: RunRecord, waitMs: number): Promise<Reply> {
  const run = await closed(parts, onDisconnect, begun, waitMs);
  if (run.state.status === "running") return { status: 201, body: startedToWire(run) };
  const told = outcomeOf(parts, run);
  return { status: 201, body: endedToWire(told), blob: told.result };
}

function rejected(activityId: string | null, reason: Reason, message: string): ReplyError {
  return new ReplyError(409, {
    message,
    reason,
    activity_id: activityId,
    command_status: "rejected",
    rejection_reason: reason,
  });
}

function readStart(call: Call): StartRequest {
  const { body, namespace, rawBody, long } = call;
  refuseStorageReferences(call);
  const fields = new Fields();
  const activityType = fields.string(body, "activity_type", { required: true, max: LONGEST_NAME });
  const activityId = fields.segment(body, "activity_id", { max: 128, pattern: ACTIVITY_ID });
  const taskQueue = fields.segment(body, "task_queue", { max: LONGEST_NAME });
  const activityClass = fields.string(body, "activity_class", { max: LONGEST_NAME });
  const businessKey = fields.string(body, "business_key", { max: LONGEST_NAME });
  const policy = readPolicy(fields, body);
  fields.check();
  return {
    namespace,
    activityId: activityId ?? null,
    activityType: activityType ?? "",
    activityClass: activityClass ?? activityType ?? "",
    taskQueue: taskQueue === undefined || taskQueue === "" ? DEFAULT_QUEUE : taskQueue,
    businessKey: businessKey ?? null,
    policy,
    input: readInput(body["input"], long),
    fingerprint: fingerprintOf(rawBody, long !== undefined),
  };
}

const LONGEST_SECONDS = 315_360_000;

function readPolicy(fields: Fields, body: JsonObject): RetryPolicy {
  const given = fields.object(body, "retry_policy") ?? {};
  const prefix = "retry_policy.";
  const seconds = (name: string): number | null =>
    fields.integer(body, `${name}_timeout_seconds`, { min: 1, max: LONGEST_SECONDS }) ?? null;
  return {
    maxAttempts: fields.integer(given, "max_attempts", { min: 1 }, prefix) ?? 1,
    backoffSeconds: fields.integers(given, "backoff_seconds", { min: 0, max: LONGEST_SECONDS }, prefix) ?? [],
    nonRetryableErrorTypes: fields.strings(given, "non_retryable_error_types", LONGEST_NAME, prefix) ?? [],
    startToCloseSeconds: seconds("start_to_close"),
    scheduleToStartSeconds: seconds("schedule_to_start"),
    scheduleToCloseSeconds: seconds("schedule_to_close"),
    heartbeatSeconds: seconds("heartbeat"),
  };
}

/**
 * The arguments: an envelope, or a plain list, or an object, whose values count in their order. An envelope with a blob has to
 * decode: no worker could make anything of it else. What was uploaded is not read for that.
 */
function readInput(input: unknown, long: LongText | undefined): Payload | null {
  if (input === undefined || input === null) return null;
  const reference = readReference(input, "input");
  if (reference !== undefined) return reference;
  if (isEnvelope(input)) {
    const payload = readPayload(input, "input", long);
    if (isBlob(payload)) refuseUndecodable(payload, "input.blob");
    return payload;
  }
  if (Array.isArray(input)) return encode(input, "input", long);
  if (isObject(input)) return encode(Object.values(input), "input");
  throw invalidField("input", "The input field must be an array.");
}

async function describe(parts: ApiParts, call: Call): Promise<Reply> {
  const waitMs = readWait(call.query);
  const run = findRun(parts, call);
  const told = outcomeOf(parts, waitMs === 0 ? run : await closed(parts, call.onDisconnect, run, waitMs));
  return { status: 200, body: describedToWire(told), blob: told.result };
}

/** A run once it has closed, or as it is when the time is up. */
async function closed(
  parts: ApiParts,
  onDisconnect: OnDisconnect,
  before: RunRecord,
  waitMs: number,
): Promise<RunRecord> {
  const { runs } = parts.context.store;
  const run = runs.get(before.key) ?? before;
  if (run.state.status !== "running") return run;
  await untilClosed(parts, onDisconnect, run.key, waitMs);
  return runs.get(run.key) ?? run;
}

/** Waits until a run has closed, at most so long, or until nobody will read the answer. */
function untilClosed({ context }: ApiParts, onDisconnect: OnDisconnect, run: number, waitMs: number): Promise<void> {
  const { clock, feed } = context;
  return new Promise((resolve) => {
    const finish = (): void => {
      cancelTimeout();
      cancelWait();
      resolve();
    };
    const cancelTimeout = clock.schedule(waitMs, finish);
    const cancelWait = feed.onClosed(run, finish);
    onDisconnect(finish);
  });
}

function readWait(query: URLSearchParams): number {
  const fields = new Fields();
  const wait = fields.integer({ wait: query.get("wait") }, "wait", { min: 0, max: LONGEST_WAIT_SECONDS });
  fields.check();
  return (wait ?? 0) * 1000;
}

function findRun({ context }: ApiParts, { params, namespace }: Call): RunRecord {
  const run = context.store.runs.latest(params["id"] ?? "");
  if (run === undefined || run.namespace !== namespace) {
    throw new ReplyError(404, { message: "Standalone activity not found.", reason: "activity_not_found" });
  }
  return run;
}

function outcomeOf({ context }: ApiParts, run: RunRecord): Described {
  const { result, failure } = context.store.runs.outcome(run.key);
  return {
    run,
    result,
    failure: failure === null ? null : (JSON.parse(failure) as FailureRecord),
    attempts: context.store.attempts.newestOf(run.key, DESCRIBED_ATTEMPTS),
  };
}

function list({ context }: ApiParts, { query, namespace }: Call): Reply {
  const fields = new Fields();
  const status = fields.string({ status: query.get("status") }, "status", { oneOf: STATUS_BUCKETS }) as
    | Bucket
    | undefined;
  const size = fields.integer({ page_size: query.get("page_size") }, "page_size", { min: 1, max: LIST_PAGE.most });
  const place = readPlace(fields, query.get("next_page_token"));
  fields.check();
  const limit = size ?? LIST_PAGE.default;
  const runs = context.store.listing.page(namespace, status, limit + 1, place);
  const page = runs.slice(0, limit);
  const last = page.at(-1);
  const cursor = last === undefined || runs.length <= limit ? undefined : pageCursor(last.key);
  const answer: ActivityPage = {
    activities: page.map((run) => listedToWire(run, context.store.attempts.briefOf(run.key, LISTED_ATTEMPTS))),
    activity_count: page.length,
    // Whoever has asked by a cursor goes on by cursors.
    next_page_token: cursor === undefined || "key" in place ? (cursor ?? null) : pageToken(place.offset + limit),
    ...(cursor !== undefined && { next_page_cursor: cursor }),
  };
  return { status: 200, body: answer };
}
