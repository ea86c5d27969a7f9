import type { Micros } from "../engine/model.js";
import type { RunRecord } from "../store/records.js";
import type { EngineContext } from "./context.js";
import { type Leases, leaseAgain, leaseSome, type PollRequest, type RepeatedPoll } from "./leases.js";
import { PollOrder } from "./poll-order.js";
import { type OnCancel, PollRepeats, type Wait } from "./poll-repeats.js";
import { deferred, type Waiter } from "./waiter.js";

export type PollOutcome =
  | ({ readonly kind: "leased" } & Leases)
  | { readonly kind: "empty" } // nothing came in time
  | { readonly kind: "fenced" } // the registration it was begun under is over
  | { readonly kind: "crowded" } // too many polls wait already
  | { readonly kind: "stopping" }; // the engine is being closed

interface QueueTimer {
  readonly at: Micros;
  readonly cancel: () => void;
}

/** Timers take no more than 2^31-1 ms. */
const LONGEST_SLEEP_MS = 60_000;

export interface PollLimits {
  readonly maxWaitingPolls: number;
  /** The longest that a poll waits. */
  readonly longPollSeconds: number;
}

/**
 * Polls that wait for tasks. They are woken, never asked: a task that becomes ready wakes one waiter that takes its type,
 * and the transaction that made it ready leases it out too. A waiter that asks for several is woken once for as many. Where
 * tasks are left that one was woken for who does not take them, another is woken, and wakes the next, until none is left: not
 * all that wait. Tasks of the future have a timer for each queue that is waited at.
 */
export class Polls {
  private readonly context: EngineContext;
  private readonly maxWaiting: number;
  private readonly repeats: PollRepeats<PollOutcome>;
  private readonly order: PollOrder;
  private readonly queues = new Map<string, Set<Waiter<PollOutcome>>>();
  private readonly timers = new Map<string, QueueTimer>();
  private waiting = 0;
  private isStopping = false;

  constructor(context: EngineContext, { maxWaitingPolls, longPollSeconds }: PollLimits) {
    this.context = context;
    this.maxWaiting = maxWaitingPolls;
    this.order = new PollOrder(() => context.time.nowMs());
    this.repeats = new PollRepeats<PollOutcome>({
      begin: (request, timeoutMs) => this.begin(request, timeoutMs),
      isEmpty: ({ kind }) => kind === "empty",
      isGiven: ({ kind }) => kind === "leased",
      crowded: { kind: "crowded" },
      maxReaders: maxWaitingPolls,
      rememberMs: rememberSeconds(longPollSeconds) * 1000,
      nowMs: () => context.time.nowMs(),
    });
    context.wakes.onTaskReady((run) => {
      this.taskReady(run);
    });
  }

  /**
   * Waits for a task at most `timeoutMs`; a repeat of a poll that waits, as long as that one. One that comes after its own
   * repeat, which was sent later, does not wait, and is given nothing new.
   *
   * @param onCancel called once with a function that gives the wait up: nobody will read the answer
   */
  poll(request: PollRequest, timeoutMs: number, onCancel: OnCancel): Promise<PollOutcome> {
    const isOvertaken = this.order.isOvertaken(request);
    if (request.pollRequestId !== null && !isOvertaken) return this.repeats.poll(request, timeoutMs, onCancel);
    const { outcome, giveUp } = isOvertaken
      ? this.begin({ ...request, onlyAgain: true }, 0)
      : this.begin(request, timeoutMs);
    onCancel(giveUp);
    return outcome;
  }

  /**
   * What a poll has leased whose registration is over by now: its answer may have been lost on the way. Nothing is leased by
   * this. Undefined where there is nothing to tell.
   */
  async leased(poll: RepeatedPoll): Promise<Leases | undefined> {
    if (poll.pollRequestId === null) return undefined;
    // Those that are still on the way may come once the worker has registered again.
    this.order.isOvertaken(poll);
    return this.context.store.transact(() => leaseAgain(this.context, poll));
  }

  /** Waits as {@link poll}, for tasks of a kind that there are none of. */
  idle({ worker }: Pick<PollRequest, "worker">, timeoutMs: number, onCancel: OnCancel): Promise<PollOutcome> {
    return this.poll({ worker: { ...worker, activityTypes: [] }, pollRequestId: null }, timeoutMs, onCancel);
  }

  private begin(request: PollRequest, timeoutMs: number): Wait<PollOutcome> {
    const { worker } = request;
    const { promise, resolve, reject } = deferred<PollOutcome>();
    const waiter: Waiter<PollOutcome> = {
      request,
      key: queueKey(worker.namespace, worker.taskQueue),
      // A worker with a build id gets nothing: it must not be woken in the place of one that would.
      types: new Set(worker.buildId === null ? worker.activityTypes : []),
      settle: resolve,
      fail: reject,
      isSettled: false,
      isWaking: true,
      looks: 0,
      room: 0,
      passesOn: false,
      isOverdue: timeoutMs === 0,
      timeout: undefined,
    };
    this.tryLease(waiter);
    if (timeoutMs > 0) this.endIn(waiter, timeoutMs);
    return {
      outcome: promise,
      giveUp: () => {
        this.finish(waiter, { kind: "empty" });
      },
      endIn: (ms) => {
        this.endIn(waiter, ms);
      },
    };
  }

  private endIn(waiter: Waiter<PollOutcome>, ms: number): void {
    waiter.timeout?.();
    waiter.timeout = undefined;
    if (waiter.isSettled) return;
    const end = (): void => {
      waiter.isOverdue = true;
      if (!waiter.isWaking) this.finish(waiter, { kind: "empty" });
    };
    if (ms === 0) end();
    else waiter.timeout = this.context.clock.schedule(ms, end);
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

  /**
   * Ends the polls of a worker whose registration has changed: what they would be given would be lost until its lease runs
   * out. Those whose turn it is just now find out by themselves.
   *
   * @param fence of the registration that counts now; undefined where there is none
   */
  endOf(namespace: string, workerId: string, fence: string | undefined): void {
    for (const waiters of this.queues.values()) {
      for (const waiter of waiters) {
        const { worker } = waiter.request;
        const isOf = worker.namespace === namespace && worker.workerId === workerId;
        if (isOf && worker.fence !== fence) this.finish(waiter, { kind: "fenced" });
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

  private wakeOne(waiters: Iterable<Waiter<PollOutcome>>, type: string): void {
    for (const waiter of waiters) {
      if (!waiter.types.has(type)) continue;
      if (waiter.isWaking && waiter.room === 0) continue;
      if (waiter.isWaking) waiter.room--;
      else this.tryLease(waiter);
      return;
    }
  }

  /** Wakes one for each type of which there is a task that nobody may have been woken for. To be called within a transaction. */
  private wakeNext(key: string, types: Iterable<string>): void {
    const waiters = this.queues.get(key);
    const [any] = waiters ?? [];
    if (waiters === undefined || any === undefined) return;
    const { namespace, taskQueue } = any.request.worker;
    const now = this.context.now();
    for (const type of types) {
      if (this.context.store.ready.firstRun(namespace, taskQueue, [type], now) === undefined) continue;
      for (const waiter of waiters) {
        if (waiter.isWaking || !waiter.types.has(type)) continue;
        waiter.passesOn = true;
        this.tryLease(waiter);
        break;
      }
    }
  }

  private wakeAll(key: string): void {
    for (const waiter of this.queues.get(key) ?? []) {
      if (!waiter.isWaking && waiter.types.size > 0) this.tryLease(waiter);
    }
  }

  /** Looks for a task in a transaction, and lets the waiter wait when there is none. */
  private tryLease(waiter: Waiter<PollOutcome>): void {
    waiter.isWaking = true;
    waiter.room = (waiter.request.maxTasks ?? 1) - 1;
    const look = ++waiter.looks;
    this.context.store
      .transact(() => this.lookFor(waiter, look))
      .then(
        (found) => {
          if (found === "gone") return;
          if (found === "fenced") this.finish(waiter, { kind: "fenced" });
          else if (found !== "none") this.finish(waiter, { kind: "leased", ...found });
          // It may have been woken since, and be given a task by a look that is still under way.
          else if (waiter.isOverdue && !waiter.isWaking) this.finish(waiter, { kind: "empty" });
        },
        (error: unknown) => {
          this.leave(waiter);
          waiter.fail(error);
          // What it was woken for, or had others not woken for, is for somebody else now: it may not ask again.
          if (this.queues.has(waiter.key)) this.wakeAt(waiter.key, this.context.now());
        },
      );
  }

  /** To be called within a transaction. */
  private lookFor(waiter: Waiter<PollOutcome>, look: number): Leases | "none" | "gone" | "fenced" {
    // Where a transaction is undone and done again, this look and the one that followed it are both in it: what two of them
    // lease, one answer cannot bring.
    if (look !== waiter.looks) return "gone";
    const { request } = waiter;
    // What becomes ready from here on, it does not find.
    waiter.room = 0;
    const { namespace, workerId, fence } = request.worker;
    const isFenced = this.context.store.workers.fenceOf(namespace, workerId) !== fence;
    // A registration that is over keeps its leases, unless its worker has registered anew.
    const again = waiter.isSettled ? undefined : leaseAgain(this.context, request);
    if (waiter.isSettled || isFenced || again !== undefined) {
      // What woke it is for somebody else now.
      this.wakeNext(waiter.key, waiter.types);
      if (again !== undefined) return again;
      return waiter.isSettled ? "gone" : "fenced";
    }
    const leases = leaseSome(this.context, request);
    if (leases !== undefined) {
      // What it was woken for may be left for somebody else: some of it, or a task of another type than it was given.
      const mayLeave = waiter.passesOn || (request.maxTasks ?? 1) > 1 || waiter.types.size > 1;
      if (leases.isCut && mayLeave) this.wakeNext(waiter.key, waiter.types);
      return leases;
    }
    // From here on, within this very transaction, it must be found by whatever makes a task ready.
    this.park(waiter);
    return "none";
  }

  private park(waiter: Waiter<PollOutcome>): void {
    waiter.isWaking = false;
    waiter.passesOn = false;
    let waiters = this.queues.get(waiter.key);
    if (!waiters?.has(waiter)) {
      if (this.isStopping) {
        this.finish(waiter, { kind: "stopping" });
        return;
      }
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

  private wakeAt(key: string, at: Micros): void {
    const current = this.timers.get(key);
    if (current !== undefined && current.at <= at) return;
    current?.cancel();
    const { clock, time } = this.context;
    const delay = Math.min(Math.max(0, Math.ceil(at / 1000 - time.nowMs())), LONGEST_SLEEP_MS);
    const cancel = clock.schedule(delay, () => {
      this.timers.delete(key);
      this.context.store
        .transact(() => {
          this.wakeDue(key);
        })
        // Each finds out by itself what is the matter.
        .catch(() => this.wakeAll(key));
    });
    this.timers.set(key, { at, cancel });
  }

  /** Wakes those that there is a task for by now, and sets the next timer. To be called within a transaction. */
  private wakeDue(key: string): void {
    const waiters = this.queues.get(key);
    const [any] = waiters ?? [];
    if (waiters === undefined || any === undefined) return;
    const types = new Set<string>();
    for (const waiter of waiters) for (const type of waiter.types) types.add(type);
    this.wakeNext(key, types);
    const { namespace, taskQueue } = any.request.worker;
    const next = this.context.store.ready.nextAt(namespace, taskQueue, [...types], this.context.now());
    if (next !== undefined) this.wakeAt(key, next);
  }

  private finish(waiter: Waiter<PollOutcome>, outcome: PollOutcome): void {
    if (waiter.isSettled) return;
    this.leave(waiter);
    waiter.settle(outcome);
  }

  private leave(waiter: Waiter<PollOutcome>): void {
    waiter.isSettled = true;
    waiter.timeout?.();
    const waiters = this.queues.get(waiter.key);
    if (!waiters?.delete(waiter)) return;
    this.waiting--;
    if (waiters.size > 0) return;
    this.queues.delete(waiter.key);
    this.timers.get(waiter.key)?.cancel();
    this.timers.delete(waiter.key);
  }
}

/** As the server: as long as a poll may be held, and a little longer, within bounds. */
function rememberSeconds(longPollSeconds: number): number {
  return Math.max(5, Math.min(60, longPollSeconds + 5));
}

function queueKey(namespace: string, queue: string): string {
  return `${namespace}\n${queue}`;
}
