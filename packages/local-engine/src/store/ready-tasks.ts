import type { Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";
import { RecordCache } from "./record-cache.js";
import type { RunRecord } from "./records.js";

/** One look into the index, whatever the number of tasks that wait. */
export const FIRST_READY_SQL = `SELECT id, available_at FROM runs
  WHERE namespace = ? AND task_queue = ? AND activity_type = ? AND task_status = 'ready'
  ORDER BY available_at, id LIMIT ?`;

export const NEXT_READY_SQL = `SELECT available_at FROM runs
  WHERE namespace = ? AND task_queue = ? AND activity_type = ? AND task_status = 'ready' AND available_at > ?
  ORDER BY available_at LIMIT 1`;

interface ReadyRow {
  readonly id: number;
  readonly available_at: number;
}

/** Tasks of a line that are read at once, and held at most. */
const READ = 64;
const HELD = 1024;
/** Lines that are remembered. */
const LINES = 1000;

/** The first tasks of those that wait for a worker, of one type at one queue. */
interface Line {
  /** In the order in which they are handed out. */
  tasks: ReadyRow[];
  /** Whether no other task waits: those that are not held come after all that are. */
  isWhole: boolean;
}

/**
 * The queues: tasks that wait for a worker, in the order of `available_at`, then of their start. The head of each line that
 * is asked for is held in memory, and read anew after a {@link forget}.
 */
export class ReadyTasks {
  private readonly lines: RecordCache<string, Line>;
  private readonly first: Statement<ReadyRow>;
  private readonly next: Statement<{ available_at: number }>;

  /** @param mostRemembered of all lines. Default: {@link LINES} */
  constructor(db: Connection, mostRemembered = Number.POSITIVE_INFINITY) {
    this.lines = new RecordCache(Math.min(LINES, mostRemembered));
    this.first = db.prepare(FIRST_READY_SQL);
    this.next = db.prepare(NEXT_READY_SQL);
  }

  /** The task of a run waits from now on, in the database as well. */
  added({ key: id, namespace, taskQueue, activityType, state }: RunRecord): void {
    const line = this.lines.get(lineKey(namespace, taskQueue, activityType));
    if (line === undefined) return;
    const task = { id, available_at: state.task.availableAt };
    const { tasks } = line;
    let at = tasks.length;
    for (let before = tasks[at - 1]; before !== undefined && isEarlier(task, before); before = tasks[at - 1]) at--;
    if (at === tasks.length && !line.isWhole) return;
    tasks.splice(at, 0, task);
    if (tasks.length <= HELD) return;
    tasks.length = READ;
    line.isWhole = false;
  }

  /** The task of a run, as it was, waits no more, in the database as well. */
  removed({ key, namespace, taskQueue, activityType }: RunRecord): void {
    const tasks = this.lines.get(lineKey(namespace, taskQueue, activityType))?.tasks;
    const at = tasks?.findIndex(({ id }) => id === key) ?? -1;
    if (at === 0) tasks?.shift();
    else if (at > 0) tasks?.splice(at, 1);
  }

  /** Something that was written is undone, or written by other means: nothing is known without reading it. */
  forget(): void {
    this.lines.clear();
  }

  /** The run whose task is to be handed out first, of those types. */
  firstRun(namespace: string, queue: string, types: readonly string[], now: Micros): number | undefined {
    let best: ReadyRow | undefined;
    for (const type of types) {
      const task = this.lineOf(namespace, queue, type).tasks[0];
      if (task === undefined || task.available_at > now) continue;
      if (best === undefined || isEarlier(task, best)) best = task;
    }
    return best?.id;
  }

  /** When the next task of those types, none of which can be handed out now, will be. */
  nextAt(namespace: string, queue: string, types: readonly string[], now: Micros): Micros | undefined {
    let soonest: Micros | undefined;
    for (const type of types) {
      const { tasks, isWhole } = this.lineOf(namespace, queue, type);
      let at = tasks.find(({ available_at }) => available_at > now)?.available_at;
      if (at === undefined && !isWhole) at = this.next.get(namespace, queue, type, now)?.available_at;
      if (at !== undefined && (soonest === undefined || at < soonest)) soonest = at;
    }
    return soonest;
  }

  private lineOf(namespace: string, queue: string, type: string): Line {
    const key = lineKey(namespace, queue, type);
    const known = this.lines.get(key);
    if (known !== undefined && (known.isWhole || known.tasks.length > 0)) return known;
    const tasks = this.first.all(namespace, queue, type, READ);
    const line = { tasks, isWhole: tasks.length < READ };
    this.lines.set(key, line);
    return line;
  }
}

function isEarlier(task: ReadyRow, other: ReadyRow): boolean {
  return task.available_at < other.available_at || (task.available_at === other.available_at && task.id < other.id);
}

/** Names may hold any character: their lengths tell where each ends. */
function lineKey(namespace: string, queue: string, type: string): string {
  return `${namespace.length} ${queue.length} ${namespace}${queue}${type}`;
}
