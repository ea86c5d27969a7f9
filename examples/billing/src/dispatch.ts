import {
  type ActivityTaskInputEnvelope,
  EXTERNAL_TASK_INPUT_MEDIA_TYPE,
  EXTERNAL_TASK_RESULT_MEDIA_TYPE,
  type ExternalTaskResult,
  parseExternalTaskResult,
} from "@durable-workflow/carrier";
import { buildTaskInput } from "@durable-workflow/carrier/testing";

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

/** The envelope that the engine's side would send for a task leased just now. */
export function taskEnvelope({ id, activity, args, attempt = 1, startToCloseMs }: DemoTask): ActivityTaskInputEnvelope {
  return buildTaskInput({
    taskId: id,
    attemptId: `${id}-attempt-${attempt}`,
    activityType: activity,
    args,
    attempt,
    taskQueue: "billing",
    workflowId: "invoice-2026-0042",
    startToCloseMs: startToCloseMs ?? null,
  });
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
