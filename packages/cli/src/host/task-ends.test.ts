import type { DispatcherEvent, TaskEnd } from "@durable-workflow/dispatcher";
import { expect, it } from "vitest";
import type { TaskReport } from "./carrier/task-report.js";
import { TaskEnds } from "./task-ends.js";

const failure = {
  type: "Declined",
  message: "no money",
  classification: "application_error",
  retryable: false,
  willRetry: false,
  stackTrace: "Declined: no money\n    at charge (a.ts:1:1)",
};

const mayBeRetried = { ...failure, retryable: true, willRetry: null };

const answer = (more: Partial<TaskReport> = {}): TaskReport => ({
  task: "t-1",
  type: "charge",
  attempt: 1,
  workflow: "w-1",
  outcome: "succeeded",
  failure: null,
  durationMs: 5,
  ...more,
});

const task = {
  namespace: "default",
  taskQueue: "default",
  taskId: "t-1",
  attemptId: "a-1",
  attempt: 1,
  executionId: null,
  activityType: "charge",
  workflowId: "w-1",
  runId: "r-1",
};

const ended = (end: TaskEnd, detail: string | null = null, willRetry: boolean | null = null): DispatcherEvent => ({
  type: "task_ended",
  task,
  carrier: "dev",
  end,
  detail,
  willRetry,
  durationMs: 9,
});

function told(...steps: readonly (DispatcherEvent | TaskReport)[]): readonly TaskReport[] {
  const reports: TaskReport[] = [];
  const ends = new TaskEnds((report) => reports.push(report));
  for (const step of steps) {
    if ("durationMs" in step && "outcome" in step && "workflow" in step) ends.answered(step);
    else ends.event(step as DispatcherEvent);
  }
  return reports;
}

const leased: DispatcherEvent = { type: "task_leased", task };
const rejected: DispatcherEvent = { type: "report_rejected", task, status: 413, message: "too large" };

it.each<[string, readonly (DispatcherEvent | TaskReport)[], Partial<TaskReport>]>([
  ["a success", [leased, answer(), ended("completed")], { outcome: "succeeded", failure: null, durationMs: 5 }],
  [
    "a failure as the carrier said it",
    [leased, answer({ outcome: "failed", failure }), ended("failed", "Declined", false)],
    { outcome: "failed", failure },
  ],
  [
    "that another attempt follows",
    [leased, answer({ outcome: "failed", failure: mayBeRetried }), ended("failed", "Declined", true)],
    { outcome: "failed", failure: { ...mayBeRetried, willRetry: true } },
  ],
  [
    "that this was the last attempt of a policy",
    [leased, answer({ outcome: "failed", failure: mayBeRetried }), ended("failed", "Declined", false)],
    { outcome: "failed", failure: { ...mayBeRetried, willRetry: false } },
  ],
  [
    "a success that the engine recorded as a failure",
    [leased, answer(), ended("failed", "ReportRejected")],
    { outcome: "failed", failure: { ...unknown("ReportRejected"), message: "the engine did not take the result" } },
  ],
  [
    "a result that was refused, in the engine's words",
    [leased, answer(), rejected, ended("failed", "ReportRejected")],
    { outcome: "failed", failure: { ...unknown("ReportRejected"), message: "too large" } },
  ],
  [
    "a failure that was refused, and reported in other words under its type",
    [leased, answer({ outcome: "failed", failure }), rejected, ended("failed", "Declined")],
    { outcome: "failed", failure: { ...unknown("Declined"), message: "too large" } },
  ],
  [
    "a deadline before any answer, once, though the answer comes later",
    [leased, ended("failed", "CarrierTimeout"), answer()],
    { outcome: "failed", failure: { ...unknown("CarrierTimeout"), message: "there was no answer in time" } },
  ],
  ["a success that nobody wanted any more", [leased, answer(), ended("superseded")], { outcome: "superseded" }],
  ["one that was given up", [leased, ended("abandoned"), answer()], { outcome: "abandoned", durationMs: 9 }],
  ["one that no dispatcher sent", [answer({ outcome: "failed", failure })], { outcome: "failed", failure }],
])("tells %s", (_, steps, expected) => {
  expect(told(...steps)).toEqual([expect.objectContaining(expected)]);
});

function unknown(type: string): NonNullable<TaskReport["failure"]> {
  return { type, message: "", classification: null, retryable: null, willRetry: null, stackTrace: null };
}
