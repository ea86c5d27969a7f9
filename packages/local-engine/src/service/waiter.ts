import type { PollRequest } from "./leases.js";

/** A poll that waits, or is being looked for a task. */
export interface Waiter<Outcome> {
  readonly request: PollRequest;
  /** Of the queue that it waits at. */
  readonly key: string;
  readonly types: ReadonlySet<string>;
  readonly settle: (outcome: Outcome) => void;
  readonly fail: (error: unknown) => void;
  isSettled: boolean;
  /** It is being looked for a task. */
  isWaking: boolean;
  /** How often it was begun to look for a task: only the newest look counts. */
  looks: number;
  /** How many more tasks that become ready meanwhile it will find: nobody else need be woken for those. */
  room: number;
  /** Whether others may be left without anybody who was woken for them: who finds a task wakes the next. */
  passesOn: boolean;
  /** Its time was up while it was being looked for. */
  isOverdue: boolean;
  /** Cancels the timer that ends it; undefined before there is one. */
  timeout: (() => void) | undefined;
}

interface Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

const nothing = (): void => {};

/** A promise, and those who settle it. */
export function deferred<Value>(): Deferred<Value> {
  let resolve: Deferred<Value>["resolve"] = nothing;
  let reject: Deferred<Value>["reject"] = nothing;
  const promise = new Promise<Value>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  return { promise, resolve, reject };
}
