import { getEventListeners } from "node:events";
import { IdempotencyCoordinator } from "../../src/activity/idempotency/coordinator.js";
import { MemoryIdempotencyStore } from "../../src/activity/idempotency/memory-store.js";
import { type IdempotencyOptions, resolveIdempotencyOptions } from "../../src/activity/idempotency/options.js";
import type { IdempotencyStore } from "../../src/activity/idempotency/store.js";
import type { TaskFailure, TaskOutcome } from "../../src/activity/run/failures.js";
import { payloadEnvelope } from "../../src/payload/index.js";
import { recordingLogger } from "../../src/testing/recording-logger.js";
import { deferred } from "./deferred.js";
import { FakeClock, settle } from "./fake-clock.js";

export const LEASE_MS = 30_000;
export const STORE_TIMEOUT_MS = 5000;

export const DONE: TaskOutcome = payloadEnvelope("done");
export const DECLINED: TaskFailure = {
  classification: "application_error",
  type: "CardDeclined",
  message: "The card was declined.",
  retryable: false,
  stack: "CardDeclined: The card was declined.\n    at charge (cards.js:7:3)",
  details: { card: "card-7", tries: 3n },
};
export const GATEWAY_DOWN: TaskFailure = { ...DECLINED, type: "GatewayDown", retryable: true };

/** What happens in place of a call; `real` makes it after all. */
type Breakdown = (real: () => Promise<unknown>) => unknown;

/** A store that can be made to fail, and that counts. */
export class FlakyStore implements IdempotencyStore {
  inner: IdempotencyStore;
  broken: Partial<Record<keyof IdempotencyStore, Breakdown>> = {};
  readonly calls: (keyof IdempotencyStore)[] = [];

  constructor(inner: IdempotencyStore) {
    this.inner = inner;
  }

  claim: IdempotencyStore["claim"] = (...args) => this.call("claim", () => this.inner.claim(...args));
  complete: IdempotencyStore["complete"] = (...args) => this.call("complete", () => this.inner.complete(...args));
  release: IdempotencyStore["release"] = (...args) => this.call("release", () => this.inner.release(...args));

  /** Breaks every method. */
  breakDown(how: Breakdown): void {
    this.broken = { claim: how, complete: how, release: how };
  }

  /** Keeps the claims of now from being made, until they are let go. */
  holdClaims(): { letGo(): Promise<void> } {
    const gate = deferred<void>();
    this.broken = { claim: (real) => gate.promise.then(real) };
    return {
      letGo: () => {
        gate.resolve();
        return settle();
      },
    };
  }

  private call<T>(method: keyof IdempotencyStore, real: () => Promise<T>): Promise<T> {
    this.calls.push(method);
    const broken = this.broken[method];
    return broken === undefined ? real() : (broken(real) as Promise<T>);
  }
}

/** A task that was handed to a carrier. */
export interface AskedTask {
  /** Ends the task from outside, as its run does. */
  end(reason?: unknown): void;
  /** Settles the handler; the task may have been ended before. */
  finish(outcome: TaskOutcome): Promise<void>;
  /** Makes `execute` itself break its promise. */
  crash(error: unknown): Promise<void>;
  /** How often the handler was run for this task. */
  readonly ran: number;
  readonly waiting: boolean;
  /** Undefined as long as there is none. */
  readonly outcome: TaskOutcome | undefined;
  readonly error: unknown;
  readonly listeners: number;
}

/** Carriers of several processes over one store, at noon. */
export function sharedStore(options: Partial<IdempotencyOptions> = {}) {
  const clock = new FakeClock();
  const store = new FlakyStore(new MemoryIdempotencyStore({ clock }));
  const logger = recordingLogger();
  const carriers: IdempotencyCoordinator[] = [];
  const tasks: AskedTask[] = [];

  function carrier() {
    const settings = resolveIdempotencyOptions({ store, ...options });
    const coordinator = new IdempotencyCoordinator(settings, clock);
    carriers.push(coordinator);
    return { coordinator, ask: (key = "k", fingerprint = "dim 1") => ask(coordinator, key, fingerprint) };
  }

  function ask(coordinator: IdempotencyCoordinator, key: string, fingerprint: string): AskedTask {
    const controller = new AbortController();
    const handler = deferred<TaskOutcome>();
    const state = {
      ran: 0,
      waiting: false,
      outcome: undefined as TaskOutcome | undefined,
      error: undefined as unknown,
    };
    const execute = (): Promise<TaskOutcome> => {
      state.ran++;
      return handler.promise;
    };
    coordinator
      .run({ key, fingerprint, signal: controller.signal, logger, execute }, (isWaiting) => {
        state.waiting = isWaiting;
      })
      .then(
        (outcome) => {
          state.outcome = outcome;
        },
        (error: unknown) => {
          state.error = error;
        },
      );
    const task: AskedTask = {
      end: (reason = new Error("ended")) => controller.abort(reason),
      finish: (outcome) => {
        handler.resolve(outcome);
        return settle();
      },
      crash: (error) => {
        handler.reject(error);
        return settle();
      },
      get ran() {
        return state.ran;
      },
      get waiting() {
        return state.waiting;
      },
      get outcome() {
        return state.outcome;
      },
      get error() {
        return state.error;
      },
      get listeners() {
        return getEventListeners(controller.signal, "abort").length;
      },
    };
    tasks.push(task);
    return task;
  }

  return {
    clock,
    store,
    logger,
    carrier,
    /** Timers, listeners and map entries that are still there. */
    traces: () => ({
      timers: clock.liveTimers,
      listeners: tasks.reduce((sum, { listeners }) => sum + listeners, 0),
      runs: carriers.reduce((sum, coordinator) => sum + coordinator["runs"].size, 0),
    }),
    said: (level: string) => logger.lines.filter((line) => line.level === level).map(({ message }) => message),
  };
}

export const NO_TRACES = { timers: 0, listeners: 0, runs: 0 };
