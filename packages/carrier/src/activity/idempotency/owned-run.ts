import type { CallerSignal } from "../caller-signal.js";
import type { Clock } from "../clock.js";
import { ARGUMENT_VALIDATION_FAILURE } from "../definition/validation.js";
import type { Logger } from "../logger.js";
import { quietly } from "../quietly.js";
import type { TaskOutcome } from "../run/failures.js";
import { type GuardedStore, problemOf } from "./guarded-store.js";
import type { IdempotencySettings } from "./options.js";
import { writeRecord } from "./record.js";
import type { IdempotencyClaimAnswer } from "./store.js";

/** A handler that never settles must not keep its process for a lease. */
const BACKGROUND = { background: true } as const;

/** A task that asks for the outcome of a key. */
export interface KeyedTask {
  readonly key: string;
  readonly fingerprint: string;
  /** Aborted when the task is answered without waiting any longer: its deadline, its caller, a shutdown. */
  readonly signal: CallerSignal;
  /** Default fields in every line: the task's. Gets names and codes of errors, never keys, records or messages. */
  readonly logger: Logger;
  /** Runs the handler, interceptors and encoding included, and says what came of it. */
  execute(): Promise<TaskOutcome>;
}

/** What a run ended with, for those who waited for it; undefined: nothing that they could share, they may run themselves. */
export type SharedEnding = TaskOutcome | undefined;

/** The one run of a key in this process: from the claim until its outcome was stored or the key freed. */
export class OwnedRun {
  readonly fingerprint: string;
  private readonly task: KeyedTask;
  private readonly owner: string;
  private readonly held: boolean;
  private readonly store: GuardedStore;
  private readonly settings: IdempotencySettings;
  private readonly clock: Clock;
  private readonly onGone: () => void;
  private readonly waiters = new Set<(ending: SharedEnding) => void>();
  /** Store calls of this run, one after the other: a late renewal must not bring back a key that was freed. */
  private pending: Promise<void> = Promise.resolve();
  private cancelRenewal: (() => void) | undefined;
  private cancelLimit: (() => void) | undefined;
  /** The key is no longer renewed: the handler is done, was given up, or another owner has the key. */
  private letGo = false;
  private toldOfTakeover = false;

  /**
   * @param held false where the store is down and the run goes without: joined in this process, nothing else
   * @param onGone told when nobody can join any more, more than once where the handler is done after that
   */
  constructor(
    task: KeyedTask,
    owner: string,
    held: boolean,
    environment: { store: GuardedStore; settings: IdempotencySettings; clock: Clock },
    onGone: () => void,
  ) {
    this.fingerprint = task.fingerprint;
    this.task = task;
    this.owner = owner;
    this.held = held;
    this.store = environment.store;
    this.settings = environment.settings;
    this.clock = environment.clock;
    this.onGone = onGone;
  }

  /** Calls back once, when the run has ended. The function returned takes the call back. */
  whenEnded(callback: (ending: SharedEnding) => void): () => void {
    this.waiters.add(callback);
    return () => this.waiters.delete(callback);
  }

  /** Runs the handler and settles the key. Once only. Resolves when the outcome is stored, or the key freed. */
  async execute(): Promise<TaskOutcome> {
    const { signal } = this.task;
    const limit = (): void => {
      signal.removeEventListener("abort", limit);
      this.cancelLimit = this.clock.schedule(this.settings.leaseMs, () => void this.giveUp(), BACKGROUND);
    };
    signal.addEventListener("abort", limit);
    this.renewLater();
    let outcome: TaskOutcome | undefined;
    try {
      outcome = await this.task.execute();
      return outcome;
    } finally {
      const answered = signal.aborted;
      signal.removeEventListener("abort", limit);
      this.stopTimers();
      await this.settle(outcome, answered);
    }
  }

  /** @param answered the task had been answered from outside before the handler was done */
  private async settle(outcome: TaskOutcome | undefined, answered: boolean): Promise<void> {
    const { logger } = this.task;
    const final = outcome !== undefined && isFinal(outcome, answered);
    let kept = false;
    if (this.held) {
      await this.inOrder(async () => {
        if (final) kept = await this.keep(outcome);
        else await this.free();
      });
    }
    if (kept && answered)
      quietly(() => logger.info({}, "A late outcome was stored: the next delivery is answered with it."));
    else if (answered) quietly(() => logger.warn({}, "A late outcome was dropped."));
    this.leave(final || !answered ? outcome : undefined);
  }

  /**
   * Resolves when the key is settled. A handler that is still at it `afterMs` from now is given up, and its key freed.
   */
  async close(afterMs: number): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.whenEnded(() => resolve());
    });
    const cancel = this.clock.schedule(afterMs, () => {
      if (!this.letGo) void this.giveUp();
    });
    await ended;
    cancel();
  }

  /** The task was answered a while ago, and its handler is still at it: others may have the key. */
  private async giveUp(): Promise<void> {
    const { logger } = this.task;
    this.stopTimers();
    quietly(() =>
      logger.warn({}, "The handler still runs long after its task was answered: its idempotency key is freed."),
    );
    if (this.held) await this.inOrder(() => this.free());
    this.leave(undefined);
  }

  private renewLater(): void {
    if (!this.held || this.letGo) return;
    const third = Math.floor(this.settings.leaseMs / 3);
    const renew = (): void => {
      void this.inOrder(() => this.renew(third)).then(() => this.renewLater());
    };
    this.cancelRenewal = this.clock.schedule(third, renew, BACKGROUND);
  }

  private async renew(mostMs: number): Promise<void> {
    const { logger } = this.task;
    try {
      if ((await this.claim(mostMs)).state === "claimed") return;
      this.letGo = true;
      this.tellOfTakeover();
    } catch (error) {
      quietly(() => logger.warn({ problem: problemOf(error) }, "The lease of an idempotency key was not renewed."));
    }
  }

  /** True once the store has the outcome. */
  private async keep(outcome: TaskOutcome): Promise<boolean> {
    const { key, fingerprint, logger } = this.task;
    const completion = { owner: this.owner, record: writeRecord({ fingerprint, outcome }), ttlMs: this.settings.ttlMs };
    try {
      if (await this.store.complete(key, completion)) return true;
      // The lease had passed, or the store lost it. Nobody else need have the key.
      const now = await this.claim();
      if (now.state === "claimed" && (await this.store.complete(key, completion))) return true;
      // A client that sends a command again after a lost connection completes twice.
      if (now.state === "finished" && now.record === completion.record) return true;
      this.tellOfTakeover();
    } catch (error) {
      quietly(() => logger.error({ problem: problemOf(error) }, "An outcome was not stored: its task may run again."));
    }
    return false;
  }

  private async free(): Promise<void> {
    const { key, logger } = this.task;
    try {
      await this.store.release(key, this.owner);
    } catch (error) {
      const problem = problemOf(error);
      quietly(() => logger.warn({ problem }, "An idempotency key was not freed: it is when its lease has passed."));
    }
  }

  private claim(mostMs?: number): Promise<IdempotencyClaimAnswer> {
    const { key, fingerprint } = this.task;
    const claim = { owner: this.owner, fingerprint, leaseMs: this.settings.leaseMs };
    const onLateClaim = (): void => {
      if (this.letGo) void this.inOrder(() => this.free());
    };
    return this.store.claim(key, claim, onLateClaim, mostMs);
  }

  private tellOfTakeover(): void {
    if (this.toldOfTakeover) return;
    this.toldOfTakeover = true;
    quietly(() =>
      this.task.logger.warn({}, "Another owner took over an idempotency key: the handler may have run twice."),
    );
  }

  /** @param step must not reject */
  private inOrder(step: () => Promise<void>): Promise<void> {
    this.pending = this.pending.then(step);
    return this.pending;
  }

  private stopTimers(): void {
    this.letGo = true;
    this.cancelRenewal?.();
    this.cancelLimit?.();
  }

  private leave(ending: SharedEnding): void {
    this.onGone();
    const waiters = [...this.waiters];
    this.waiters.clear();
    for (const waiter of waiters) waiter(ending);
  }
}

/**
 * An outcome that running again would not mend, or would have side effects for. A failure after the task was answered is
 * none: it may be no more than how the handler stopped. Neither are arguments that did not validate: nothing has run, and
 * the next version of the activity may take them.
 */
function isFinal(outcome: TaskOutcome, answered: boolean): boolean {
  if ("codec" in outcome) return true;
  return !answered && !outcome.retryable && outcome.type !== ARGUMENT_VALIDATION_FAILURE;
}
