import type { DispatcherEvent } from "@durable-workflow/dispatcher";
import type { TaskReport } from "../carrier/task-report.js";

const MOST_TOLD = 10_000;

type TaskEnded = Extract<DispatcherEvent, { type: "task_ended" }>;

/**
 * Tells the end of each task once, as it was recorded: what the carrier answered is told when the dispatcher says what
 * became of it. Tasks that somebody else sent to the carrier are told when they are answered.
 */
export class TaskEnds {
  private readonly tell: (report: TaskReport) => void;
  /** By task and attempt; null until the carrier has answered. */
  private readonly leased = new Map<string, TaskReport | null>();
  /** Told before the carrier has answered, which then comes too late to be told. */
  private readonly told = new Set<string>();

  constructor(tell: (report: TaskReport) => void) {
    this.tell = tell;
  }

  answered(report: TaskReport): void {
    const key = keyOf(report.task, report.attempt);
    if (this.leased.has(key)) this.leased.set(key, report);
    else if (!this.told.delete(key)) this.tell(report);
  }

  event(event: DispatcherEvent): void {
    if (event.type !== "task_leased" && event.type !== "task_ended") return;
    const key = keyOf(event.task.taskId, event.task.attempt);
    if (event.type === "task_leased") {
      this.leased.set(key, null);
      return;
    }
    const answer = this.leased.get(key) ?? undefined;
    this.leased.delete(key);
    if (answer === undefined) this.remember(key);
    this.tell(endOf(event, answer));
  }

  private remember(key: string): void {
    this.told.add(key);
    // Some were never delivered.
    const [oldest] = this.told;
    if (this.told.size > MOST_TOLD && oldest !== undefined) this.told.delete(oldest);
  }
}

function keyOf(task: string, attempt: number): string {
  return `${attempt} ${task}`;
}

/** What is on record, with what only the carrier's answer knows. */
function endOf({ task, end, detail, durationMs }: TaskEnded, answer: TaskReport | undefined): TaskReport {
  const { taskId, activityType: type, attempt, workflowId: workflow } = task;
  const facts = { task: taskId, type, attempt, workflow, durationMs: answer?.durationMs ?? durationMs };
  if (end === "completed") return { ...facts, outcome: "succeeded", failure: null };
  if (end !== "failed") return { ...facts, outcome: end, failure: null };
  const said = answer?.failure ?? null;
  // The record is not what the carrier answered where the engine refused that, or the answer came too late.
  const isRecorded = said !== null && (detail === null || said.type === detail);
  const failure = isRecorded
    ? said
    : {
        type: detail,
        message: answer === undefined ? "the carrier gave no answer that counts" : "the engine did not take the answer",
        classification: "application_error",
        retryable: true,
        stackTrace: null,
      };
  return { ...facts, outcome: said?.classification === "cancelled" ? "cancelled" : "failed", failure };
}
