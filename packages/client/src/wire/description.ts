import { fieldOf, integerField, isObject, listField, textField } from "@durable-workflow/engine-protocol";
import type { ActivityDescription, ActivityStatus, ActivitySummary } from "../handle.js";
import { readDescribedFailure } from "./failure.js";

/** Undefined for what is no description. */
export function readDescription(document: unknown): ActivityDescription | undefined {
  const summary = readSummary(document);
  return (
    summary && {
      ...summary,
      namespace: textField(document, "namespace") ?? "",
      attempts: integerField(document, "attempt_count") ?? 0,
      stage: textField(document, "activity_status") ?? summary.status,
      lastHeartbeatAt: textField(document, "last_heartbeat_at") ?? null,
      failure: readDescribedFailure(fieldOf(document, "failure")),
    }
  );
}

function readSummary(document: unknown): ActivitySummary | undefined {
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

const STATUSES: Readonly<Record<string, ActivityStatus>> = {
  running: "running",
  completed: "completed",
  failed: "failed",
  timed_out: "timed_out",
  cancelled: "cancelled",
  canceled: "cancelled",
  terminated: "terminated",
};

/** A status that is not known here is an end if the activity is closed. */
function statusOf(document: unknown): ActivityStatus {
  const status = textField(document, "status") ?? "";
  if (status === "failed" && textField(document, "closed_reason") === "timed_out") return "timed_out";
  const known = Object.hasOwn(STATUSES, status) ? STATUSES[status] : undefined;
  return known ?? (textField(document, "closed_at") === undefined ? "running" : "failed");
}

export interface SummaryPage {
  readonly activities: readonly ActivitySummary[];
  readonly next: string | undefined;
}

/** Undefined for what is no page of a list. */
export function readSummaryPage(document: unknown): SummaryPage | undefined {
  if (!Array.isArray(fieldOf(document, "activities"))) return undefined;
  const activities = listField(document, "activities").map(readSummary);
  if (!activities.every((one) => one !== undefined)) return undefined;
  return { activities, next: textField(document, "next_page_token") };
}
