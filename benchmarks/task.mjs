import { payloadEnvelope } from "@durable-workflow/carrier/payload";

/** A task of ordinary size whose deadlines are far away. */
export function smallTask() {
  return {
    schema: "durable-workflow.v2.external-task-input",
    version: 1,
    task: {
      id: "task-0001-benchmark-0001",
      kind: "activity_task",
      attempt: 1,
      activity_attempt_id: "attempt-0001-benchmark-0001",
      task_queue: "billing-activities",
      handler: "billing.charge-card",
      connection: null,
      idempotency_key: "attempt-0001-benchmark-0001",
    },
    workflow: { id: "invoice-2026-0001", run_id: "run-0001-benchmark" },
    lease: {
      owner: "benchmark",
      expires_at: "2999-04-22T01:10:00.000000Z",
      heartbeat_endpoint: "/api/worker/activity-tasks/task-0001-benchmark-0001/heartbeat",
    },
    payloads: { arguments: payloadEnvelope(["card-7", 1299, "EUR"]) },
    deadlines: {
      schedule_to_start: "2999-04-22T01:02:00.000000Z",
      start_to_close: "2999-04-22T01:07:00.000000Z",
      schedule_to_close: "2999-04-22T01:12:00.000000Z",
      heartbeat: null,
    },
    headers: { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-7a085853722dc6d2-00" },
  };
}
