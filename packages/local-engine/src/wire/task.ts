import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import type { DeadlineName, PolledTask, TaskDeadlines } from "@durable-workflow/engine-protocol/worker";
import type { Activity, Micros } from "../engine/model.js";
import type { LeaseOut } from "../service/leases.js";
import { envelope } from "./payloads.js";
import { policyToWire } from "./policy.js";
import { timestamp, timestampOrNull } from "./time.js";

/** The task of a poll's answer. What is null is left out. */
export function taskToWire(lease: LeaseOut): PolledTask {
  const { run, attemptId, attemptNumber, input } = lease;
  const { task, policy } = run.state;
  const deadlines = deadlinesToWire(run.state);
  return {
    task_id: task.id,
    workflow_id: run.activityId,
    run_id: run.runId,
    activity_execution_id: run.executionId,
    activity_attempt_id: attemptId,
    idempotency_key: run.executionId,
    attempt_number: attemptNumber,
    activity_type: run.activityType,
    payload_codec: AVRO_CODEC,
    ...(input === null ? {} : { arguments: envelope(input) }),
    retry_policy: policyToWire(policy),
    task_queue: run.taskQueue,
    lease_owner: task.leaseOwner,
    lease_expires_at: timestampOrNull(task.leaseExpiresAt),
    ...(Object.keys(deadlines).length === 0 ? {} : { deadlines }),
  };
}

/** The names of the deadlines that a running attempt has, in the order of the contract. */
export function deadlinesToWire(state: Activity): TaskDeadlines {
  const all: readonly (readonly [DeadlineName, Micros | null])[] = [
    ["schedule_to_start", state.scheduleToStartAt],
    ["start_to_close", state.startToCloseAt],
    ["schedule_to_close", state.scheduleToCloseAt],
    ["heartbeat", state.heartbeatAt],
  ];
  return Object.fromEntries(all.flatMap(([name, at]) => (at === null ? [] : [[name, timestamp(at)]])));
}
