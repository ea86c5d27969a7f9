import { PATHS } from "@durable-workflow/engine-protocol";
import {
  type DeregisterAnswer,
  type RegisterAnswer,
  WORKER_RUNTIMES,
  type WorkerHeartbeatAnswer,
} from "@durable-workflow/engine-protocol/worker";
import { MICROS_PER_SECOND } from "../engine/model.js";
import { type Call, type Reply, ReplyError } from "../http/call.js";
import { Fields } from "../http/fields.js";
import { pageToken, readPageToken } from "../http/page-token.js";
import type { Route } from "../http/router.js";
import { newUpperId } from "../service/context.js";
import type { WorkerRecord } from "../store/records.js";
import { timestamp } from "../wire/time.js";
import { workerToWire } from "../wire/worker.js";
import { type ApiParts, CONTROL_ROLES, WORKER_ROLES } from "./parts.js";

const DEFAULT_CONCURRENCY = 100;
/** Closed runs that one heartbeat removes at most. */
const PRUNED_PER_HEARTBEAT = 25;

/** Workers that died without a word would pile up. One that is alive after all is told to register again. */
const FORGOTTEN_AFTER = 86_400 * MICROS_PER_SECOND;
/** Of all namespaces together; beyond that those go that were silent longest. */
const MOST_REGISTRATIONS = 20_000;
const DEFAULT_PAGE = 500;
const LARGEST_PAGE = 1000;

export function workerRoutes(parts: ApiParts): readonly Route[] {
  const own = { plane: "worker", roles: WORKER_ROLES } as const;
  const seen = { plane: "control", roles: CONTROL_ROLES } as const;
  return [
    { ...own, method: "POST", pattern: PATHS.register, handle: (call) => register(parts, call) },
    { ...own, method: "POST", pattern: PATHS.workerHeartbeat, handle: (call) => heartbeat(parts, call) },
    {
      ...own,
      method: "DELETE",
      pattern: PATHS.registration,
      handle: (call) => deregister(parts, call),
    },
    { ...seen, method: "GET", pattern: PATHS.workers, handle: (call) => list(parts, call) },
    { ...seen, method: "GET", pattern: PATHS.worker, handle: (call) => show(parts, call) },
  ];
}

async function register({ context }: ApiParts, { body, namespace }: Call): Promise<Reply> {
  const fields = new Fields();
  const workerId = fields.segment(body, "worker_id", { max: 255 });
  const taskQueue = fields.segment(body, "task_queue", { required: true, max: 255 });
  const runtime = fields.string(body, "runtime", { required: true, oneOf: WORKER_RUNTIMES });
  const sdkVersion = fields.string(body, "sdk_version", { max: 64 });
  const buildId = fields.string(body, "build_id", { max: 255 });
  const workflowTypes = fields.strings(body, "supported_workflow_types", 255);
  const activityTypes = fields.strings(body, "supported_activity_types", 255);
  const maxWorkflowTasks = fields.integer(body, "max_concurrent_workflow_tasks", { min: 1 });
  const maxActivityTasks = fields.integer(body, "max_concurrent_activity_tasks", { min: 1 });
  fields.check();
  const id = workerId === undefined || workerId === "" ? newUpperId(context) : workerId;
  await context.store.transact(() => {
    const now = context.now();
    const worker: WorkerRecord = {
      namespace,
      workerId: id,
      taskQueue: taskQueue ?? "",
      runtime: runtime ?? "",
      sdkVersion: sdkVersion ?? null,
      buildId: buildId === undefined || buildId === "" ? null : buildId,
      workflowTypes: workflowTypes ?? [],
      activityTypes: [...new Set(activityTypes)],
      maxWorkflowTasks: maxWorkflowTasks ?? DEFAULT_CONCURRENCY,
      maxActivityTasks: maxActivityTasks ?? DEFAULT_CONCURRENCY,
      registeredAt: now,
      updatedAt: now,
      lastHeartbeatAt: now,
    };
    context.store.workers.forgetSilentSince(now - FORGOTTEN_AFTER);
    context.store.workers.save(worker);
    context.store.workers.keepAtMost(MOST_REGISTRATIONS);
  });
  const answer: RegisterAnswer = { worker_id: id, registered: true };
  return { status: 201, body: { ...answer } };
}

async function heartbeat({ context, pruner }: ApiParts, { body, namespace }: Call): Promise<Reply> {
  const fields = new Fields();
  const workerId = fields.string(body, "worker_id", { required: true, max: 255 }) ?? "";
  fields.check();
  const isKnown = await context.store.transact(() => context.store.workers.touch(namespace, workerId, context.now()));
  if (!isKnown) {
    throw new ReplyError(404, {
      error: "Worker not registered.",
      reason: "worker_not_registered",
      worker_id: workerId,
    });
  }
  const pruned = (await pruner?.pass(PRUNED_PER_HEARTBEAT)) ?? 0;
  const retention = { throttled: false, processed: pruned, pruned, skipped: 0, failed: 0 };
  const answer: WorkerHeartbeatAnswer = { worker_id: workerId, acknowledged: true, retention };
  return { status: 200, body: { ...answer } };
}

async function deregister({ context, polls }: ApiParts, { params, namespace }: Call): Promise<Reply> {
  const workerId = params["worker"] ?? "";
  const isKnown = await context.store.transact(() => context.store.workers.delete(namespace, workerId));
  if (!isKnown) {
    throw new ReplyError(404, { error: "Worker not found.", reason: "worker_not_found", worker_id: workerId });
  }
  polls.endOf(namespace, workerId);
  const answer: DeregisterAnswer = {
    worker_id: workerId,
    outcome: "deregistered",
    recovered_workflow_task_count: 0,
  };
  return { status: 200, body: { ...answer } };
}

/** The engine answers all at once; from {@link DEFAULT_PAGE} on this one has pages, by the parameters of its other lists. */
function list({ context, options }: ApiParts, { namespace, query }: Call): Reply {
  const fields = new Fields();
  const size = fields.integer({ page_size: query.get("page_size") }, "page_size", { min: 1, max: LARGEST_PAGE });
  const offset = readPageToken(fields, query.get("next_page_token"));
  fields.check();
  const limit = size ?? DEFAULT_PAGE;
  const now = context.now();
  const found = context.store.workers.page(namespace, limit, offset);
  const workers = found.workers.map((worker) => workerToWire(worker, now, options.longPollSeconds));
  const next = found.isLast ? {} : { next_page_token: pageToken(offset + workers.length) };
  return { status: 200, body: { workers, ...next } };
}

function show({ context, options }: ApiParts, { params, namespace }: Call): Reply {
  const workerId = params["worker"] ?? "";
  const worker = context.store.workers.get(namespace, workerId);
  if (worker === undefined) {
    throw new ReplyError(404, { message: "Worker not found.", reason: "worker_not_found", worker_id: workerId });
  }
  const body = workerToWire(worker, context.now(), options.longPollSeconds);
  return { status: 200, body: { ...body, updated_at: timestamp(worker.updatedAt) } };
}
