import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import type { TaskFacts } from "../events/events.js";

/** What events say of a task. */
export function taskFacts(task: LeasedTask): TaskFacts {
  const { namespace, taskQueue, taskId, attemptId, attempt, executionId, activityType, workflowId, runId } = task;
  return { namespace, taskQueue, taskId, attemptId, attempt, executionId, activityType, workflowId, runId };
}
