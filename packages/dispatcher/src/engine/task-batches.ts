import type { JsonObject } from "@durable-workflow/carrier/protocol";
import { fieldOf, integerField, REPORTS_ENDPOINT, TASK_BATCHES_SCHEMA } from "@durable-workflow/engine-protocol";
import { type LeasedTask, readLeasedTask, type UnreadableTask } from "@durable-workflow/engine-protocol/worker";

/** How much an engine hands out in one answer, and takes in one request. */
export interface BatchLimits {
  /** Tasks that a poll may ask for. */
  readonly tasks: number;
  /** Reports in one request. */
  readonly reports: number;
  /** Bytes of its body. */
  readonly reportsBytes: number;
}

/** What an engine says of it; undefined for an engine that hands out tasks one by one. */
export function readBatchLimits(capabilities: unknown): BatchLimits | undefined {
  const said = fieldOf(capabilities, "activity_task_batches");
  if (fieldOf(said, "supported") !== true || fieldOf(said, "schema") !== TASK_BATCHES_SCHEMA) return undefined;
  if (fieldOf(said, "reports_endpoint") !== REPORTS_ENDPOINT) return undefined;
  const tasks = integerField(said, "max_tasks") ?? 0;
  const reports = integerField(said, "max_reports") ?? 0;
  const reportsBytes = integerField(said, "max_reports_bytes") ?? 0;
  return tasks >= 1 && reports >= 1 && reportsBytes >= 1 ? { tasks, reports, reportsBytes } : undefined;
}

/** What an answer brings in the place of a task that can be read. */
export interface UnreadableOne {
  readonly kind: "unreadable_task";
  readonly read: UnreadableTask;
}

/** A task of a poll's answer. */
export type ReadTask = { readonly kind: "task"; readonly task: LeasedTask } | UnreadableOne;

/** Reads one task of an answer. */
export function readTask(namespace: string, task: JsonObject): ReadTask {
  const read = readLeasedTask(namespace, task);
  return read.task === undefined ? { kind: "unreadable_task", read } : { kind: "task", task: read.task };
}
