import type { Micros } from "../engine/model.js";
import type { RunRecord } from "../store/records.js";
import type { EngineContext } from "./context.js";
import { type Delivery, deliverAgain, deliverNext, type PollRequest } from "./deliveries.js";

export type PollOutcome =
  | { readonly kind: "leased"; readonly delivery: Delivery }
  | { readonly kind: "empty" } // nothing came in time
  | { readonly kind: "crowded" } // too many polls wait already
  | { readonly kind: "stopping" }; // the engine is being closed

interface Waiter {
  readonly request: PollRequest;
  readonly key: string;
  readonly types: ReadonlySet<string>;
  settle: (outcome: PollOutcome) => void;
  fail: (error: unknown) => void;
  isSettled: boolean;
  /** It is being looked for a task; nobody else need wake it. */
  isWaking: boolean;
  /** Its time was up while it was being looked for. */
  isOverdue: boolean;
  cancelTimeout: () => void;
}

interface QueueTimer {
  readonly at: Micros;
  readonly cancel: () => void;
}

/** Timers take no more than 2^31-1 ms. */
const LONGEST_SLEEP_MS = 60_000;

/**
 * Polls that wait for a task. They are woken, never asked: a task that becomes ready wakes one waiter that takes its type,
 * and the transaction that made it ready hands it out too. Tasks of the future have a timer for each queue that is waited
 * at.
 */
export class Polls {
  private readonly context: EngineContext;
  private readonly maxWaiting: number;
  private readonly queues = new Map<string, Set<Waiter>>();
  private readonly timers = new Map<string, QueueTimer>();
  private waiting = 0;
  private isStopping = false;

  constructor(context: EngineContext, maxWaiting: number) {
    this.context = context;
    this.maxWaiting = maxWaiting;
    context.taskReady = (run) => {
      this.taskReady(run);
    };
  }

  /**
   * Waits for a task at most `timeoutMs`.
   *
   * @param onCancel called once with a function that gives the wait up: nobody will read the answer
   */
  poll(request: PollRequest, timeoutMs: number, onCancel: (giveUp: () => void) => void): Promise<PollOutcome> {
    return new Promise((resolve, reject) => {
      const { worker } = request;
      const waiter: Waiter = {
        request,
        key: queueKey(worker.namespace, worker.taskQueue),
        // A worker with a build id gets nothing: it must not be woken in the place of one that would.
        types: new Set(worker.buildId === null ? worker.activityTypes : []),
        settle: resolve,
        fail: reject,
        isSettled: false,
        isWaking: true,
        isOverdue: timeoutMs === 0,
        cancelTimeout: () => {},
      };
      onCancel(() => {
        this.finish(waiter, { kind: "empty" });
      });
      this.tryDeliver(waiter);
      if (timeoutMs > 0) {
        waiter.cancelTimeout = this.context.clock.schedule(timeoutMs, () => {
          waiter.isOverdue = true;
          if (!waiter.isWaking) this.finish(waiter, { kind: "empty" });
        });
      }
    });
  }

  /** Answers all that wait, and lets nobody wait any more. */
  stop(): void {
    this.isStopping = true;
    for (const { cancel } of this.timers.values()) cancel();
    this.timers.clear();
    for (const waiters of this.queues.values()) {
      for (const waiter of waiters) this.finish(waiter, { kind: "stopping" });
    }
  }

  /** The clock was set: what is waited for comes at another instant than timers were set for. */
  rearm(): void {
    for (const { cancel } of this.timers.values()) cancel();
    this.timers.clear();
    for (const key of this.queues.keys()) this.wakeAll(key);
  }

  /** Ends the polls of a worker that has gone: what they would be given would be lost until its lease runs out. */
  endOf(namespace: string, workerId: string): void {
    for (const waiters of this.queues.values()) {
      for (const waiter of waiters) {
        const { worker } = waiter.request;
        if (worker.namespace === namespace && worker.workerId === workerId) this.finish(waiter, { kind: "empty" });
      }
    }
  }

  private taskReady({ namespace, taskQueue, activityType, state }: RunRecord): void {
    const key = queueKey(namespace, taskQueue);
    const waiters = this.queues.get(key);
    if (waiters === undefined) return;
    const { availableAt } = state.task;
    if (availableAt > this.context.now()) this.wakeAt(key, availableAt);
    else this.wakeOne(waiters, activityType);
  }

  private wakeOne(waiters: Iterable<Waiter>, type: string): void {
    for (const waiter of waiters) {
      if (waiter.isWaking || !waiter.types.has(type)) continue;
      this.tryDeliver(waiter);
      return;
    }
  }

  private wakeAll(key: string): void {
    for (const waiter of this.queues.get(key) ?? []) {
      if (!waiter.isWaking) this.tryDeliver(waiter);
    }
  }

  /** Looks for a task in a transaction, and lets the waiter wait when there is none. */
  private tryDeliver(waiter: Waiter): void {
    waiter.isWaking = true;
    const { store } = this.context;
    store
      .transact((): Delivery | "none" | "gone" => {
        if (waiter.isSettled) {
          // What woke it is for somebody else now.
          this.wakeAll(waiter.key);
          return "gone";
        }
        const repeated = deliverAgain(this.context, waiter.request);
        if (repeated !== undefined) {
          this.wakeAll(waiter.key);
          return repeated;
        }
        const delivery = deliverNext(this.context, waiter.request);
        if (delivery !== undefined) return delivery;
        // From here on, within this very transaction, it must be found by whatever makes a task ready.
        this.park(waiter);
        return "none";
      })
      .then(
        (found) => {
          if (found === "gone") return;
          if (found !== "none") this.finish(waiter, { kind: "leased", delivery: found });
          else if (waiter.isOverdue) this.finish(waiter, { kind: "empty" });
        },
        (error: unknown) => {
          this.leave(waiter);
          waiter.fail(error);
        },
      );
  }

  private park(waiter: Waiter): void {
    waiter.isWaking = false;
    let waiters = this.queues.get(waiter.key);
    if (!waiters?.has(waiter)) {
      if (this.isStopping) {
        this.finish(waiter, { kind: "stopping" });
        return;
      }
      if (waiters !== undefined) this.replaceSamePoll(waiters, waiter);
      if (waiter.isOverdue) return;
      if (this.waiting >= this.maxWaiting) {
        this.finish(waiter, { kind: "crowded" });
        return;
      }
      waiters = this.queues.get(waiter.key) ?? new Set();
      this.queues.set(waiter.key, waiters.add(waiter));
      this.waiting++;
    }
    const { worker } = waiter.request;
    const { namespace, taskQueue, activityTypes } = worker;
    if (worker.buildId !== null) return;
    const next = this.context.store.ready.nextAt(namespace, taskQueue, activityTypes, this.context.now());
    if (next !== undefined) this.wakeAt(waiter.key, next);
  }

  /** A client that repeats its poll does not read the answer to the first any more. */
  private replaceSamePoll(waiters: ReadonlySet<Waiter>, waiter: Waiter): void {
    const { pollRequestId, worker } = waiter.request;
    if (pollRequestId === null) return;
    for (const other of waiters) {
      const { request } = other;
      if (request.pollRequestId === pollRequestId && request.worker.workerId === worker.workerId && !other.isWaking) {
        this.finish(other, { kind: "empty" });
      }
    }
  }

  private wakeAt(key: string, at: Micros): void {
    const current = this.timers.get(key);
    if (current !== undefined && current.at <= at) return;
    current?.cancel();
    const { clock, time } = this.context;
    const delay = Math.min(Math.max(0, Math.ceil(at / 1000 - time.nowMs())), LONGEST_SLEEP_MS);
    const cancel = clock.schedule(delay, () => {
      this.timers.delete(key);
      // Each takes at most one, and who finds none sets the next timer.
      this.wakeAll(key);
    });
    this.timers.set(key, { at, cancel });
  }

  private finish(waiter: Waiter, outcome: PollOutcome): void {
    if (waiter.isSettled) return;
    this.leave(waiter);
    waiter.settle(outcome);
  }

  private leave(waiter: Waiter): void {
    waiter.isSettled = true;
    waiter.cancelTimeout();
    const waiters = this.queues.get(waiter.key);
    if (!waiters?.delete(waiter)) return;
    this.waiting--;
    if (waiters.size > 0) return;
    this.queues.delete(waiter.key);
    this.timers.get(waiter.key)?.cancel();
    this.timers.delete(waiter.key);
  }
}

function queueKey(namespace: string, queue: string): string {
  return `${namespace}\n${queue}`;
}
