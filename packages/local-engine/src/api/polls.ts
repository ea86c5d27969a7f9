import {
  LONGEST_NAME,
  LONGEST_POLL_TIMEOUT_SECONDS,
  PATHS,
  RETRY_AFTER_SECONDS,
  speaks,
  TASK_BATCH,
} from "@durable-workflow/engine-protocol";
import type { PollAnswer, PollCapacityRefusal, PolledTask, PollStatus } from "@durable-workflow/engine-protocol/worker";
import { type Call, type Reply, ReplyError } from "../http/call.js";
import { Fields } from "../http/fields.js";
import type { Route } from "../http/router.js";
import { storageRefusal } from "../http/unavailable.js";
import type { LeaseOut, Leases, PollRequest } from "../service/leases.js";
import { StorageUnavailableError } from "../store/group-commit.js";
import type { Payload } from "../store/payloads.js";
import type { WorkerRecord } from "../store/records.js";
import { taskToWire } from "../wire/task.js";
import { timestamp } from "../wire/time.js";
import { type Operation, outcomeUnknown } from "./outcome-unknown.js";
import { type ApiParts, WORKER_ROLES } from "./parts.js";

type TaskKind = PollCapacityRefusal["task_kind"];

const OPERATIONS = {
  activity_task: "poll_activity_task",
  workflow_task: "poll_workflow_task",
  query_task: "poll_query_task",
} as const satisfies Readonly<Record<TaskKind, Operation["operation"]>>;

/** Polls for tasks. Of workflow and query tasks there are none: older workers poll for them all the same, and wait. */
export function pollRoutes(parts: ApiParts): readonly Route[] {
  const common = { method: "POST", plane: "worker", roles: WORKER_ROLES } as const;
  return [
    { ...common, pattern: PATHS.poll, handle: (call) => poll(parts, call, "activity_task") },
    { ...common, pattern: PATHS.workflowTaskPoll, handle: (call) => poll(parts, call, "workflow_task") },
    { ...common, pattern: PATHS.queryTaskPoll, handle: (call) => poll(parts, call, "query_task") },
  ];
}

async function poll(parts: ApiParts, call: Call, kind: TaskKind): Promise<Reply> {
  const asked = readPoll(parts, call);
  try {
    const { namespace, workerId } = asked.subject;
    const registered = parts.context.store.workers.get(namespace, workerId);
    if (registered === undefined) return await pollOfNobody(parts, asked, kind);
    return await pollOf(parts, checkPoller(registered, asked), asked, call, kind);
  } catch (error) {
    if (!(error instanceof StorageUnavailableError)) throw error;
    parts.context.logger.error({ error: error.cause }, "The storage cannot be written; no task was leased out.");
    return storageRefusal({ pollRequestId: asked.pollRequestId });
  }
}

async function pollOf(
  parts: ApiParts,
  worker: WorkerRecord,
  { pollRequestId, repeat, maxTasks, timeoutMs }: AskedPoll,
  { onDisconnect }: Call,
  kind: TaskKind,
): Promise<Reply> {
  if (kind === "activity_task" && worker.activityTypes.length === 0) return empty("no_activity_capability");
  const { polls } = parts;
  const request: PollRequest = { worker, pollRequestId, repeat, ...(maxTasks === undefined ? {} : { maxTasks }) };
  const outcome = await (kind === "activity_task"
    ? polls.poll(request, timeoutMs, onDisconnect)
    : polls.idle(request, timeoutMs, onDisconnect));
  switch (outcome.kind) {
    case "leased":
      return leased(parts, outcome, maxTasks);
    case "empty":
      return empty("empty");
    case "fenced":
      return empty("stale_worker_registration");
    case "stopping":
      return stopping(request, kind);
    case "crowded":
      return crowded(worker, kind);
  }
}

/** A worker that is not registered any more is told what it has leased already, and given nothing. */
async function pollOfNobody(
  parts: ApiParts,
  { subject: worker, pollRequestId, repeat, maxTasks }: AskedPoll,
  kind: TaskKind,
): Promise<Reply> {
  const isOfActivities = kind === "activity_task";
  const leases = isOfActivities ? await parts.polls.leased({ worker, pollRequestId, repeat }) : undefined;
  if (leases !== undefined) return leased(parts, leases, maxTasks);
  throw new ReplyError(412, {
    error: "Worker must be registered before polling. Call POST /worker/register first.",
    reason: "worker_not_registered",
    worker_id: worker.workerId,
  });
}

function leased(parts: ApiParts, leases: Leases, maxTasks: number | undefined): Reply {
  return maxTasks === undefined ? leasedAlone(parts, leases.first) : leasedTogether(parts, leases);
}

function leasedAlone(parts: ApiParts, lease: LeaseOut): Reply {
  const task = leaseToWire(parts, lease);
  return polled({ task, poll_status: "leased", server_time: timestamp(lease.at) }, lease.input);
}

/** An addition of this engine's, for who asks for several tasks: it has all that the answer with one has. */
function leasedTogether(parts: ApiParts, { first, others, isCut }: Leases): Reply {
  const last = others.at(-1) ?? first;
  // At most one of them is large, the last.
  return polled(
    {
      task: leaseToWire(parts, first),
      more_tasks: others.map((lease) => leaseToWire(parts, lease)),
      has_more: isCut,
      poll_status: "leased",
      server_time: timestamp(last.at),
    },
    last.input,
  );
}

/** What a poll says. */
interface AskedPoll {
  readonly subject: Pick<WorkerRecord, "namespace" | "taskQueue" | "workerId">;
  readonly buildId: string | undefined;
  readonly pollRequestId: string | null;
  readonly repeat: number;
  readonly maxTasks: number | undefined;
  readonly timeoutMs: number;
}

function readPoll({ options }: ApiParts, { body, namespace, protocolVersion }: Call): AskedPoll {
  const fields = new Fields();
  const workerId = fields.string(body, "worker_id", { required: true, max: LONGEST_NAME }) ?? "";
  const taskQueue = fields.string(body, "task_queue", { required: true, max: LONGEST_NAME }) ?? "";
  const buildId = fields.string(body, "build_id", { max: LONGEST_NAME });
  const pollRequestId = fields.string(body, "poll_request_id", { max: LONGEST_NAME });
  const repeat = fields.integer(body, "poll_request_repeat", { min: 0 }) ?? 0;
  const isBounded = protocolVersion !== undefined && speaks(protocolVersion, "boundedPolls");
  const bounds = { min: 0, ...(isBounded && { max: LONGEST_POLL_TIMEOUT_SECONDS }) };
  const seconds = fields.integer(body, "timeout_seconds", bounds);
  const maxTasks = fields.integer(body, "max_tasks", { min: 1, max: TASK_BATCH.tasks });
  fields.check();
  return {
    subject: { namespace, taskQueue, workerId },
    buildId,
    // An empty id is none.
    pollRequestId: pollRequestId === undefined || pollRequestId === "" ? null : pollRequestId,
    repeat,
    maxTasks,
    timeoutMs: Math.min(seconds ?? Number.POSITIVE_INFINITY, options.longPollSeconds) * 1000,
  };
}

/** The registration that a poll refers to, if it fits. */
function checkPoller(
  worker: WorkerRecord,
  { subject: { taskQueue: queue, workerId }, buildId }: AskedPoll,
): WorkerRecord {
  if (worker.taskQueue !== queue) {
    throw new ReplyError(409, {
      error: `Worker [${workerId}] is registered for task queue [${worker.taskQueue}], not [${queue}].`,
      reason: "task_queue_mismatch",
      worker_id: workerId,
      registered_task_queue: worker.taskQueue,
      requested_task_queue: queue,
    });
  }
  if (buildId !== undefined && worker.buildId !== buildId) {
    throw new ReplyError(409, {
      error: `Worker [${workerId}] is registered with build_id [${worker.buildId ?? ""}], but poll requested build_id [${buildId}]. Re-register to update.`,
      reason: "build_id_mismatch",
      worker_id: workerId,
      registered_build_id: worker.buildId,
      requested_build_id: buildId,
    });
  }
  return worker;
}

function leaseToWire({ executor }: ApiParts, lease: LeaseOut): PolledTask {
  const task = taskToWire(lease);
  const mapping = executor.mappingOf(lease);
  return mapping === undefined ? task : { ...task, external_executor: mapping };
}

function empty(status: PollStatus): Reply {
  return polled({ task: null, poll_status: status });
}

function polled(answer: PollAnswer, input?: Payload | null): Reply {
  return { status: 200, body: answer, blob: input };
}

/** Not "draining": workers take that for the end of their work. They poll again once the engine is back. */
function stopping({ worker, pollRequestId }: PollRequest, kind: TaskKind): Reply {
  const { workerId, taskQueue } = worker;
  const status: PollStatus = "backend_unavailable";
  const ids = { task: null, poll_status: status, poll_request_id: pollRequestId, retry_same_poll_request_id: true };
  const message = "The engine is being stopped.";
  return outcomeUnknown({ operation: OPERATIONS[kind], workerId, taskQueue, message, ids });
}

function crowded({ namespace, taskQueue }: WorkerRecord, kind: TaskKind): Reply {
  const seconds = RETRY_AFTER_SECONDS.busy;
  const body: PollCapacityRefusal = {
    task: null,
    poll_status: "long_poll_capacity_exhausted",
    reason: "long_poll_capacity_exhausted",
    error: "Too many polls are waiting already.",
    namespace,
    task_queue: taskQueue,
    task_kind: kind,
    wait_pool: "worker",
    retry_after_seconds: seconds,
    retryable: true,
  };
  return { status: 429, body, headers: { "Retry-After": String(seconds) } };
}
