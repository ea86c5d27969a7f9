import { FAILURE_KINDS, TIMEOUT_TYPES } from "@durable-workflow/carrier/protocol";
import { PATHS } from "@durable-workflow/engine-protocol";
import type { PollAnswer, PolledTask, PollStatus } from "@durable-workflow/engine-protocol/worker";
import { type Call, type Reply, ReplyError } from "../http/call.js";
import { Fields, storableJson } from "../http/fields.js";
import { unavailable } from "../http/request-handler.js";
import type { Route } from "../http/router.js";
import type { Delivery } from "../service/deliveries.js";
import type { PollOutcome } from "../service/polls.js";
import { type Claimant, completeTask, failTask, heartbeatTask, type ReportedFailure } from "../service/reports.js";
import { StorageUnavailableError } from "../store/group-commit.js";
import type { PayloadReference } from "../store/payloads.js";
import type { WorkerRecord } from "../store/records.js";
import { readPayload, refuseStorageReferences } from "../wire/payloads.js";
import { checkThere, reported } from "./named-payloads.js";
import { heartbeatToWire, reportToWire } from "../wire/reports.js";
import { taskToWire } from "../wire/task.js";
import { type ApiParts, WORKER_ROLES } from "./parts.js";
import { readProgress } from "./progress.js";

export function activityTaskRoutes(parts: ApiParts): readonly Route[] {
  const common = { method: "POST", plane: "worker", roles: WORKER_ROLES } as const;
  return [
    { ...common, pattern: PATHS.poll, handle: (call) => poll(parts, call) },
    { ...common, pattern: PATHS.complete, handle: (call) => complete(parts, call) },
    { ...common, pattern: PATHS.fail, handle: (call) => fail(parts, call) },
    { ...common, pattern: PATHS.heartbeat, handle: (call) => heartbeat(parts, call) },
  ];
}

async function poll(parts: ApiParts, call: Call): Promise<Reply> {
  const { body } = call;
  const fields = new Fields();
  const workerId = fields.string(body, "worker_id", { required: true, max: 255 }) ?? "";
  const queue = fields.string(body, "task_queue", { required: true, max: 255 }) ?? "";
  const buildId = fields.string(body, "build_id", { max: 255 });
  const pollRequestId = fields.string(body, "poll_request_id", { max: 255 });
  const seconds = fields.integer(body, "timeout_seconds", { min: 0 });
  fields.check();
  const worker = findPoller(parts, call.namespace, workerId, queue, buildId);
  if (worker.activityTypes.length === 0) return empty("no_activity_capability");
  const timeoutMs = Math.min(seconds ?? Number.POSITIVE_INFINITY, parts.options.longPollSeconds) * 1000;
  let outcome: PollOutcome;
  try {
    outcome = await parts.polls.poll({ worker, pollRequestId: pollRequestId ?? null }, timeoutMs, call.onDisconnect);
  } catch (error) {
    if (!(error instanceof StorageUnavailableError)) throw error;
    parts.context.logger.error({ error: error.cause }, "The storage cannot be written; no task was handed out.");
    const message = "The engine's storage cannot be written; no task was handed out.";
    return unavailable("storage_unavailable", message, { task: null, poll_status: "unavailable" });
  }
  switch (outcome.kind) {
    case "leased":
      return polled({ task: deliveryToWire(parts, outcome.delivery), poll_status: "leased" });
    case "empty":
      return empty("empty");
    case "stopping":
      return empty("draining");
    case "crowded":
      return {
        status: 429,
        body: {
          task: null,
          poll_status: "throttled",
          error: "Too many polls are waiting already.",
          reason: "long_poll_capacity_exhausted",
          retry_after_seconds: 1,
        },
        headers: { "Retry-After": "1" },
      };
  }
}

function empty(status: PollStatus): Reply {
  return polled({ task: null, poll_status: status });
}

function polled(answer: PollAnswer): Reply {
  return { status: 200, body: { ...answer } };
}

function deliveryToWire({ executor }: ApiParts, delivery: Delivery): PolledTask {
  const task = taskToWire(delivery);
  const mapping = executor.mappingOf(delivery);
  return mapping === undefined ? task : { ...task, external_executor: mapping };
}

/** The registration that a poll refers to, if it fits. */
function findPoller(
  { context }: ApiParts,
  namespace: string,
  workerId: string,
  queue: string,
  buildId: string | undefined,
): WorkerRecord {
  const worker = context.store.workers.get(namespace, workerId);
  if (worker === undefined) {
    throw new ReplyError(412, {
      error: "Worker must be registered before polling. Call POST /worker/register first.",
      reason: "worker_not_registered",
      worker_id: workerId,
    });
  }
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

function readClaimant(fields: Fields, { body, params, namespace }: Call): Claimant {
  return {
    namespace,
    taskId: params["task"] ?? "",
    attemptId: fields.string(body, "activity_attempt_id", { required: true, max: 255 }) ?? "",
    leaseOwner: fields.string(body, "lease_owner", { required: true, max: 255 }) ?? "",
  };
}

async function complete({ context, keeper }: ApiParts, call: Call): Promise<Reply> {
  const fields = new Fields();
  const claimant = readClaimant(fields, call);
  fields.check();
  const result = await reported(claimant, async () => {
    refuseStorageReferences(call);
    const payload = readPayload(call.body["result"] ?? null, "result");
    await checkThere(keeper, call.namespace, payload);
    return payload;
  });
  const outcome = await context.store.transact(() => completeTask(context, claimant, result));
  return reportToWire(outcome, claimant, "completed");
}

async function fail({ context, keeper }: ApiParts, call: Call): Promise<Reply> {
  const fields = new Fields();
  const claimant = readClaimant(fields, call);
  const { failure, reference } = await reported(claimant, async () => {
    refuseStorageReferences(call);
    const read = readFailure(fields, call);
    await checkThere(keeper, call.namespace, read.reference);
    return read;
  });
  const outcome = await context.store.transact(() => failTask(context, claimant, failure, reference));
  return reportToWire(outcome, claimant, "failed");
}

/** @throws {ReplyError} 422, also for what was found before */
function readFailure(
  fields: Fields,
  { body }: Call,
): { readonly failure: ReportedFailure; readonly reference: PayloadReference | null } {
  const given = fields.object(body, "failure", { required: true });
  const failure = given ?? {};
  const prefix = "failure.";
  // Without a failure, that is all there is to say.
  const message = given && fields.text(failure, "message", { required: true }, prefix);
  const type = fields.text(failure, "type", {}, prefix);
  const exceptionClass = fields.text(failure, "class", {}, prefix);
  const code = fields.integer(failure, "code", {}, prefix);
  const stackTrace = fields.text(failure, "stack_trace", {}, prefix);
  const nonRetryable = fields.boolean(failure, "non_retryable", prefix);
  // These decide nothing, but have to be what they should be.
  for (const name of ["retryable", "cancelled", "malformed_output"]) fields.boolean(failure, name, prefix);
  fields.string(failure, "kind", { oneOf: FAILURE_KINDS }, prefix);
  fields.string(failure, "timeout_type", { oneOf: TIMEOUT_TYPES }, prefix);
  fields.check();
  const details = storableJson(failure["details"]);
  // Kept as they came, but only if they are something that could be encoded.
  const payload = readPayload(details ?? null, "failure.details");
  const read: ReportedFailure = {
    message: message ?? "",
    type: type ?? null,
    exceptionClass: exceptionClass ?? "RuntimeException",
    code: code ?? 0,
    nonRetryable: nonRetryable === true,
    stackTrace: stackTrace ?? null,
    ...(details === undefined || details === null ? {} : { details }),
  };
  return { failure: read, reference: typeof payload === "string" ? null : payload };
}

async function heartbeat({ context }: ApiParts, call: Call): Promise<Reply> {
  const fields = new Fields();
  const claimant = readClaimant(fields, call);
  const progress = readProgress(fields, call.body);
  fields.check();
  const outcome = await context.store.transact(() => heartbeatTask(context, claimant, progress));
  return heartbeatToWire(outcome, claimant);
}
