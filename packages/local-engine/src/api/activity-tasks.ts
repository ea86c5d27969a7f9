import { FAILURE_KINDS, TIMEOUT_TYPES } from "@durable-workflow/carrier/protocol";
import { LONGEST_NAME, PATHS, PROTOCOL_VERSION, SINCE, speaks } from "@durable-workflow/engine-protocol";
import { type Call, type JsonObject, type Reply, ReplyError } from "../http/call.js";
import { Fields, isObject, storableJson } from "../http/fields.js";
import type { Route } from "../http/router.js";
import { LongPayload } from "../long-payload.js";
import {
  attemptStatus,
  type Claimant,
  completeTask,
  failTask,
  heartbeatTask,
  type ReportedFailure,
  renewTaskLease,
} from "../service/reports.js";
import { type PayloadReference, referenceOf } from "../store/payloads.js";
import type { FailureRemarks } from "../store/records.js";
import { renewalToWire, statusToWire } from "../wire/attempts.js";
import { readPayload, refuseStorageReferences } from "../wire/payloads.js";
import { heartbeatToWire, reportToWire } from "../wire/reports.js";
import { checkThere, reported } from "./named-payloads.js";
import { type ApiParts, WORKER_ROLES } from "./parts.js";
import { readProgress } from "./progress.js";

/** What a worker tells, and asks, of an attempt that it holds. */
export function activityTaskRoutes(parts: ApiParts): readonly Route[] {
  const common = { method: "POST", plane: "worker", roles: WORKER_ROLES } as const;
  return [
    { ...common, pattern: PATHS.complete, payload: "result", handle: (call) => complete(parts, call) },
    { ...common, pattern: PATHS.fail, handle: (call) => fail(parts, call) },
    { ...common, pattern: PATHS.heartbeat, handle: (call) => heartbeat(parts, call) },
    { ...common, pattern: PATHS.renewLease, handle: (call) => renewLease(parts, call) },
    { ...common, pattern: PATHS.status, handle: (call) => status(parts, call) },
  ];
}

function readClaimant(fields: Fields, { body, params, namespace }: Call): Claimant {
  return {
    namespace,
    taskId: params["task"] ?? "",
    attemptId: fields.string(body, "activity_attempt_id", { required: true, max: LONGEST_NAME }) ?? "",
    leaseOwner: fields.string(body, "lease_owner", { required: true, max: LONGEST_NAME }) ?? "",
  };
}

/** `.../complete`. */
export async function complete({ context, keeper }: ApiParts, call: Call): Promise<Reply> {
  const fields = new Fields();
  const claimant = readClaimant(fields, call);
  fields.check();
  const result = await reported(claimant, async () => {
    refuseStorageReferences(call);
    const payload = readPayload(call.body["result"] ?? null, "result", call.long);
    await checkThere(keeper, call.namespace, payload);
    return payload;
  });
  const outcome = await context.store.transact(() => completeTask(context, claimant, result));
  // It is on disk, and who asks for it reads it there.
  if (result instanceof LongPayload) result.release();
  return reportToWire(outcome, claimant, "completed");
}

/** `.../fail`. */
export async function fail({ context, keeper }: ApiParts, call: Call): Promise<Reply> {
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
  { body, rawBody }: Call,
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
  const told = readRemarks(fields, failure, prefix, rawBody);
  fields.check();
  const details = storableJson(failure["details"], rawBody);
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
    ...(Object.keys(told).length === 0 ? {} : { told }),
  };
  return { failure: read, reference: referenceOf(payload) };
}

/** What decides nothing, is kept, and has to be what it should be. */
function readRemarks(fields: Fields, failure: JsonObject, prefix: string, rawBody: string): FailureRemarks {
  const kind = fields.string(failure, "kind", { oneOf: FAILURE_KINDS }, prefix);
  const timeoutType = fields.string(failure, "timeout_type", { oneOf: TIMEOUT_TYPES }, prefix);
  const retryable = fields.boolean(failure, "retryable", prefix);
  const cancelled = fields.boolean(failure, "cancelled", prefix);
  const malformedOutput = fields.boolean(failure, "malformed_output", prefix);
  const diagnostics = storableJson(fields.object(failure, "diagnostics", {}, prefix), rawBody);
  const runtimeDiagnostics = storableJson(fields.object(failure, "runtime_diagnostics", {}, prefix), rawBody);
  return {
    ...(kind !== undefined && { kind }),
    ...(retryable !== undefined && { retryable }),
    ...(timeoutType !== undefined && { timeoutType }),
    ...(cancelled !== undefined && { cancelled }),
    ...(malformedOutput !== undefined && { malformedOutput }),
    ...(isObject(diagnostics) && { diagnostics }),
    ...(isObject(runtimeDiagnostics) && { runtimeDiagnostics }),
  };
}

async function heartbeat({ context }: ApiParts, call: Call): Promise<Reply> {
  const fields = new Fields();
  const claimant = readClaimant(fields, call);
  const progress = await reported(claimant, () => {
    refuseStorageReferences(call);
    return Promise.resolve(readProgress(fields, call));
  });
  fields.check();
  const outcome = await context.store.transact(() => heartbeatTask(context, claimant, progress));
  return heartbeatToWire(outcome, claimant);
}

async function renewLease({ context }: ApiParts, call: Call): Promise<Reply> {
  const fields = new Fields();
  const claimant = readClaimant(fields, call);
  fields.check();
  const outcome = await context.store.transact(() => renewTaskLease(context, claimant));
  return renewalToWire(outcome, claimant, context.now());
}

function status({ context }: ApiParts, call: Call): Reply {
  const { protocolVersion } = call;
  if (protocolVersion === undefined || !speaks(protocolVersion, "taskStatus")) {
    throw new ReplyError(422, {
      error: `The status of an attempt needs worker protocol ${SINCE.taskStatus} or newer in the request.`,
      reason: "activity_attempt_status_unavailable",
      minimum_protocol_version: SINCE.taskStatus,
      requested_version: protocolVersion ?? null,
      supported_version: PROTOCOL_VERSION,
    });
  }
  const fields = new Fields();
  const claimant = readClaimant(fields, call);
  fields.check();
  return statusToWire(attemptStatus(context, claimant), claimant);
}
