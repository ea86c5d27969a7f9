import type { ActivityInterceptors } from "@durable-workflow/carrier";

/** One handler that was begun, and has not settled. */
interface Begun {
  readonly activityType: string;
  /** Whether the task was answered without it. */
  isLeftBehind: boolean;
}

/** One delivery, as far as its handler goes. */
export class HandlerRun {
  readonly activityType: string;
  private readonly all: Set<Begun>;
  private begun: Begun | undefined;

  constructor(activityType: string, all: Set<Begun>) {
    this.activityType = activityType;
    this.all = all;
  }

  begin(): void {
    this.begun = { activityType: this.activityType, isLeftBehind: false };
    this.all.add(this.begun);
  }

  settled(): void {
    if (this.begun !== undefined) this.all.delete(this.begun);
  }

  /** The task has its answer. */
  answered(): void {
    if (this.begun !== undefined) this.begun.isLeftBehind = true;
  }
}

const RUN = Symbol("worker run");

/** The handlers that run in this process: those of tasks in flight, and those that went on although their task is over. */
export class RunningHandlers {
  private readonly all = new Set<Begun>();

  /** Goes around all others. Its own part makes no context: most handlers need none. */
  around(others: ActivityInterceptors | undefined): ActivityInterceptors {
    return {
      "~around": (activity) => {
        const inner = others === undefined ? activity : others["~around"](activity);
        return (source, args) => {
          const values = "values" in source ? source.values : undefined;
          const run = values?.get(RUN) as HandlerRun | undefined;
          if (run === undefined) return inner(source, args);
          const settled = (): void => run.settled();
          let value: unknown;
          run.begin();
          try {
            value = inner(source, args);
          } catch (error) {
            settled();
            throw error;
          }
          if (value instanceof Promise) value.then(settled, settled);
          else settled();
          return value;
        };
      },
    };
  }

  /** What a run is told of its context, and who hears of its handler. */
  open(activityType: string): { readonly run: HandlerRun; readonly values: ReadonlyMap<symbol, unknown> } {
    const run = new HandlerRun(activityType, this.all);
    return { run, values: new Map([[RUN, run]]) };
  }

  /** How many go on although their task was answered without them. */
  get stuck(): number {
    let count = 0;
    for (const { isLeftBehind } of this.all) if (isLeftBehind) count++;
    return count;
  }

  /** The activity types of those that run, each once. */
  get activityTypes(): readonly string[] {
    return [...new Set(Array.from(this.all, ({ activityType }) => activityType))].toSorted();
  }
}
