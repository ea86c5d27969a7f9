import type { DispatcherEvent } from "@durable-workflow/dispatcher";
import type { TaskReport } from "./carrier/task-report.js";

const MOST_TOLD = 10_000;

interface LeasedTask {
  /** Undefined until the carrier has answered. */
  answer?: TaskReport;
  /** Why the engine did not take an outcome as it was reported. */
  rejection?: string;
}

type TaskEnded = Extract<DispatcherEvent, { type: "task_ended" }>;

/**
 * Tells the end of each task once, as it was recorded: what the carrier answered is told when the dispatcher says what
 * became of it. Tasks that somebody else sent to the carrier are told when they are answered.
 */
export class TaskEnds {
  private readonly tell: (report: TaskReport) => void;
  /** By task and attempt. */
  private readonly leased = new Map<string, LeasedTask>();
  /** Told before the carrier has answered, which then comes too late to be told. */
  private readonly told = new Set<string>();

  constructor(tell: (report: TaskReport) => void) {
    this.tell = tell;
  }

  answered(report: TaskReport): void {
    const key = keyOf(report.task, report.attempt);
    const task = this.leased.get(key);
    if (task !== undefined) task.answer = report;
    else if (!this.told.delete(key)) this.tell(report);
  }

  event(event: DispatcherEvent): void {
    if (event.type !== "task_leased" && event.type !== "report_rejected" && event.type !== "task_ended") return;
    const key = keyOf(event.task.taskId, event.task.attempt);
    const task = this.leased.get(key) ?? {};
    if (event.type === "task_leased") this.leased.set(key, {});
    else if (event.type === "report_rejected") task.rejection = event.message;
    else {
      this.leased.delete(key);
      if (task.answer === undefined) this.remember(key);
      this.tell(endOf(event, task));
    }
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
function endOf({ task, end, detail, willRetry, durationMs }: TaskEnded, { answer, rejection }: LeasedTask): TaskReport {
  const { taskId, activityType: type, attempt, workflowId: workflow } = task;
  const facts = { task: taskId, type, attempt, workflow, durationMs: answer?.durationMs ?? durationMs };
  if (end === "completed") return { ...facts, outcome: "succeeded", failure: null };
  if (end !== "failed") return { ...facts, outcome: end, failure: null };
  const said = answer?.failure ?? null;
  // Another one is on record where the engine refused what the carrier said, or the carrier said nothing in time.
  if (said !== null && rejection === undefined && said.type === detail) {
    return {
      ...facts,
      outcome: said.classification === "cancelled" ? "cancelled" : "failed",
      failure: { ...said, willRetry },
    };
  }
  const message = rejection ?? (answer === undefined ? NO_ANSWER : "the engine did not take the result");
  const failure = { type: detail, message, classification: null, retryable: null, willRetry, stackTrace: null };
  return { ...facts, outcome: "failed", failure };
}

const NO_ANSWER = "there was no answer in time";
