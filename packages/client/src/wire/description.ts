import { decodeAvroValue } from "@durable-workflow/carrier/payload";
import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import { fieldOf, integerField, isObject, textField } from "@durable-workflow/engine-protocol";
import type { ActivityDescription, ActivityStatus, ActivitySummary, RemoteFailure } from "../handle.js";

/** Undefined for what is no description. */
export function readDescription(
  document: unknown,
  failure: RemoteFailure | undefined,
): ActivityDescription | undefined {
  const read = readSummary(document);
  if (read === undefined) return undefined;
  // Written out: copying is what would cost most of a description.
  return {
    activityId: read.activityId,
    runId: read.runId,
    type: read.type,
    taskQueue: read.taskQueue,
    status: read.status,
    businessKey: read.businessKey,
    startedAt: read.startedAt,
    closedAt: read.closedAt,
    raw: read.raw,
    namespace: textField(read.raw, "namespace") ?? "",
    attempts: integerField(read.raw, "attempt_count") ?? 0,
    stage: textField(read.raw, "activity_status") ?? read.status,
    lastHeartbeatAt: textField(read.raw, "last_heartbeat_at") ?? null,
    failure,
  };
}

/** Undefined for what is no activity. */
export function readSummary(document: unknown): ActivitySummary | undefined {
  const activityId = textField(document, "activity_id");
  const runId = textField(document, "workflow_run_id");
  const type = textField(document, "activity_type");
  if (!isObject(document) || activityId === undefined || runId === undefined || type === undefined) return undefined;
  return {
    activityId,
    runId,
    type,
    taskQueue: textField(document, "task_queue") ?? "",
    status: statusOf(document),
    businessKey: textField(document, "business_key") ?? null,
    startedAt: textField(document, "started_at") ?? "",
    closedAt: textField(document, "closed_at") ?? null,
    raw: document,
  };
}

const STATUSES: readonly string[] = [
  "running",
  "completed",
  "failed",
  "timed_out",
  "cancelled",
  "terminated",
] satisfies ActivityStatus[];

/** A status that is not known here is an end if the activity is closed. */
function statusOf(document: unknown): ActivityStatus {
  const status = textField(document, "status") ?? "";
  if (status === "failed" && textField(document, "closed_reason") === "timed_out") return "timed_out";
  if (status === "canceled") return "cancelled";
  if (STATUSES.includes(status)) return status as ActivityStatus;
  return textField(document, "closed_at") === undefined ? "running" : "failed";
}

/**
 * The value of a payload that is held where it is spoken of: a result, or details.
 *
 * @throws {TypeError} for what is no payload of a codec that is known here; {PayloadError} where it cannot be decoded
 */
export function decodeInline(envelope: unknown): unknown {
  const blob = fieldOf(envelope, "blob");
  if (fieldOf(envelope, "codec") !== AVRO_CODEC) throw new TypeError(`its codec must be "${AVRO_CODEC}"`);
  if (typeof blob !== "string") throw new TypeError("it has no blob");
  return decodeAvroValue(blob);
}
