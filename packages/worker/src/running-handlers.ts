import type { ActivityInterceptors } from "@durable-workflow/carrier";
import type { ThreadTurns } from "./thread-turns.js";

/** A task that is given to a handler. */
export interface HandedTask {
  readonly activityType: string;
  /** Milliseconds until its lease has surely run out; negative when it has. */
  readonly leaseLeft: () => number;
}

/** One handler that was begun, and has not settled. */
interface Begun extends HandedTask {
  /** Whether the task was answered without it. */
  isLeftBehind: boolean;
}

/** One delivery, as far as its handler goes. */
export class HandlerRun {
  private readonly task: HandedTask;
  private readonly all: Set<Begun>;
  private readonly sinceTaken: Set<HandedTask>;
  private begun: Begun | undefined;
  private hasAnswer = false;

  constructor(task: HandedTask, all: Set<Begun>, sinceTaken: Set<HandedTask>) {
    this.task = task;
    this.all = all;
    this.sinceTaken = sinceTaken;
  }

  begin(): void {
    const { activityType, leaseLeft } = this.task;
    this.begun = { activityType, leaseLeft, isLeftBehind: false };
    this.all.add(this.begun);
    this.sinceTaken.add(this.begun);
  }

  settled(): void {
    if (this.begun !== undefined) this.all.delete(this.begun);
  }

  /** Whether the task had its answer before the handler began. */
  get isTooLate(): boolean {
    return this.hasAnswer && this.begun === undefined;
  }

  /** The task has its answer. */
  answered(): void {
    this.hasAnswer = true;
    if (this.begun !== undefined) this.begun.isLeftBehind = true;
  }
}

const RUN = Symbol("worker run");

/** The handlers that run in this process: those of tasks in flight, and those that went on although their task is over. */
export class RunningHandlers {
  private readonly all = new Set<Begun>();
  /** Those that ran at some time since {@link takeTasks}. */
  private readonly sinceTaken = new Set<HandedTask>();
  private readonly turns: Pick<ThreadTurns, "next">;

  constructor(turns: Pick<ThreadTurns, "next">) {
    this.turns = turns;
  }

  /** Goes around all others. Its own part makes no context: most handlers need none. */
  around(others: ActivityInterceptors | undefined): ActivityInterceptors {
    return {
      "~around": (activity) => {
        const inner = others === undefined ? activity : others["~around"](activity);
        return (source, args) => {
          const values = "values" in source ? source.values : undefined;
          const run = values?.get(RUN) as HandlerRun | undefined;
          if (run === undefined) return inner(source, args);
          const turn = this.turns.next();
          if (turn === undefined) return began(run, () => inner(source, args));
          return turn.then(() => (run.isTooLate ? undefined : began(run, () => inner(source, args))));
        };
      },
    };
  }

  /** What a run is told of its context, and who hears of its handler. */
  open(task: HandedTask): { readonly run: HandlerRun; readonly values: ReadonlyMap<symbol, unknown> } {
    const run = new HandlerRun(task, this.all, this.sinceTaken);
    return { run, values: new Map([[RUN, run]]) };
  }

  /** How many go on although their task was answered without them. */
  get stuck(): number {
    let count = 0;
    for (const { isLeftBehind } of this.all) if (isLeftBehind) count++;
    return count;
  }

  /** What those were given that ran at any time since this was called last: some have ended. */
  takeTasks(): readonly HandedTask[] {
    const tasks = [...this.sinceTaken];
    this.sinceTaken.clear();
    for (const running of this.all) this.sinceTaken.add(running);
    return tasks;
  }
}

/** Begins with a handler, and says when it has settled. */
function began(run: HandlerRun, begin: () => unknown): unknown {
  const settled = (): void => run.settled();
  let value: unknown;
  run.begin();
  try {
    value = begin();
  } catch (error) {
    settled();
    throw error;
  }
  if (value instanceof Promise) value.then(settled, settled);
  else settled();
  return value;
}
