import {
  type ActivityTaskInputEnvelope,
  EXTERNAL_TASK_INPUT_MEDIA_TYPE,
  EXTERNAL_TASK_INPUT_SCHEMA,
  EXTERNAL_TASK_RESULT_MEDIA_TYPE,
  type ExternalTaskResult,
  parseExternalTaskResult,
  payloadEnvelope,
} from "@durable-workflow/carrier";

/** One task, as the demonstration wants it sent. */
export interface DemoTask {
  readonly id: string;
  readonly activity: string;
  readonly args: readonly unknown[];
  readonly attempt?: number;
  /** Milliseconds from now until the attempt must be over. */
  readonly startToCloseMs?: number;
}

export interface Delivery {
  readonly envelope: ActivityTaskInputEnvelope;
  readonly status: number;
  readonly result: ExternalTaskResult;
}

const LEASE_MS = 300_000;

function inFuture(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

/** The envelope that the engine's side would send for a task leased just now. */
export function taskEnvelope({ id, activity, args, attempt = 1, startToCloseMs }: DemoTask): ActivityTaskInputEnvelope {
  return {
    schema: EXTERNAL_TASK_INPUT_SCHEMA,
    version: 1,
    task: {
      id,
      kind: "activity_task",
      attempt,
      activity_attempt_id: `${id}-attempt-${attempt}`,
      task_queue: "billing",
      handler: activity,
      connection: null,
      idempotency_key: `${id}-attempt-${attempt}`,
    },
    workflow: { id: "invoice-2026-0042", run_id: "run-1" },
    lease: {
      owner: "demo-dispatcher",
      expires_at: inFuture(LEASE_MS),
      heartbeat_endpoint: `/api/worker/activity-tasks/${id}/heartbeat`,
    },
    payloads: { arguments: payloadEnvelope(args) },
    deadlines: {
      schedule_to_start: null,
      start_to_close: startToCloseMs === undefined ? null : inFuture(startToCloseMs),
      schedule_to_close: null,
      heartbeat: null,
    },
    headers: { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
  };
}

/** Delivers one task over HTTP. */
export async function deliver(url: string, envelope: ActivityTaskInputEnvelope): Promise<Delivery> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": EXTERNAL_TASK_INPUT_MEDIA_TYPE, accept: EXTERNAL_TASK_RESULT_MEDIA_TYPE },
    body: JSON.stringify(envelope),
  });
  return { envelope, status: response.status, result: parseExternalTaskResult(await response.json()) };
}
