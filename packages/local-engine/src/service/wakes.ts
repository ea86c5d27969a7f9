import type { Micros } from "../engine/model.js";
import type { RunRecord } from "../store/records.js";

/**
 * Wakes those who wait, from within the transaction that gives them reason to: polls when a task is, or will be, there to
 * be leased, timers when something falls due. Nobody needs to listen.
 */
export class Wakes {
  private readonly tasks = new Set<(run: RunRecord) => void>();
  private readonly dues = new Set<(at: Micros) => void>();

  onTaskReady(listener: (run: RunRecord) => void): void {
    this.tasks.add(listener);
  }

  onDue(listener: (at: Micros) => void): void {
    this.dues.add(listener);
  }

  /** The task of this run waits for a worker. */
  taskReady(run: RunRecord): void {
    for (const listener of this.tasks) listener(run);
  }

  /** Something has to be done then. */
  due(at: Micros): void {
    for (const listener of this.dues) listener(at);
  }
}
