import type { Clock } from "../clock.js";
import { quietly } from "../quietly.js";
import type { TaskOutcome } from "../run/failures.js";
import { inProgress, keyReused, storeUnavailable } from "./failures.js";
import { type GuardedStore, guardStore, problemOf } from "./guarded-store.js";
import type { IdempotencySettings } from "./options.js";
import { type KeyedTask, OwnedRun } from "./owned-run.js";
import { type IdempotencyRecord, readRecord } from "./record.js";
import { unlessAborted } from "./waiting.js";

/** Between two looks at a key that another process holds: doubled each time, up to the longest. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;

/** A task on its way to an outcome. */
interface Asking {
  readonly task: KeyedTask;
  readonly owner: string;
  readonly onWaiting: (waiting: boolean) => void;
  pauseMs: number;
  /** The store has said that another owner runs this. */
  seenElsewhere: boolean;
}

/** What the store says of a key, once it was understood. */
type Claim =
  | { readonly state: "claimed" }
  | { readonly state: "running"; readonly fingerprint: string }
  | { readonly state: "finished"; readonly record: IdempotencyRecord }
  | { readonly state: "failed"; readonly problem: string };

/** Sees to it that of all tasks with one key one runs, and the others get its outcome. One per carrier. */
export class IdempotencyCoordinator {
  private readonly settings: IdempotencySettings;
  private readonly clock: Clock;
  private readonly store: GuardedStore;
  /** What runs in this process, by key. */
  private readonly runs = new Map<string, OwnedRun>();

  constructor(settings: IdempotencySettings, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
    this.store = guardStore(settings.store, clock, settings.storeTimeoutMs);
  }

  /**
   * The outcome of the task's key: of this task's own run, of one that was joined, or of one that is stored. Where the
   * task ends first (`signal`), a failure that nobody is waiting for. Rejects only as `task.execute` does.
   *
   * @param onWaiting told when the task begins to wait for another run, and when it no longer does; not told when the
   *   task ends while it waits
   */
  async run(task: KeyedTask, onWaiting: (waiting: boolean) => void): Promise<TaskOutcome> {
    const owner = crypto.randomUUID();
    const asking: Asking = { task, owner, onWaiting, pauseMs: FIRST_PAUSE_MS, seenElsewhere: false };
    while (!task.signal.aborted) {
      const local = this.runs.get(task.key);
      const outcome = await (local === undefined ? this.ask(asking) : this.join(asking, local));
      if (outcome !== undefined) return outcome;
    }
    return inProgress();
  }

  /** Resolves when nothing that runs here has anything to say to the store any more. Runs are given up after a while. */
  async close(afterMs: number): Promise<void> {
    await Promise.all([...this.runs.values()].map((run) => run.close(afterMs)));
  }

  /** Waits for the run of this process. Undefined: look again. */
  private async join({ task, onWaiting }: Asking, local: OwnedRun): Promise<TaskOutcome | undefined> {
    if (local.fingerprint !== task.fingerprint) return keyReused(local.fingerprint, task.fingerprint);
    onWaiting(true);
    const ended = await unlessAborted<{ outcome: TaskOutcome | undefined }>(task.signal, (done) =>
      local.whenEnded((outcome) => done({ outcome })),
    );
    if (ended !== undefined) onWaiting(false);
    return ended?.outcome;
  }

  /** Claims the key, and does as the store says. Undefined: look again. */
  private async ask(asking: Asking): Promise<TaskOutcome | undefined> {
    const { task, owner, onWaiting } = asking;
    const claim = await this.claim(task, owner);
    // Nobody waits for this task any more: its handler must not start.
    const { aborted } = task.signal;
    // One that began while the store was down, or whose lease has passed.
    const runsHere = this.runs.has(task.key);
    if (claim.state === "claimed" && (aborted || runsHere)) this.free(task, owner);
    if (aborted) return undefined;
    if (claim.state !== "running") onWaiting(false);
    switch (claim.state) {
      case "claimed":
        return runsHere ? undefined : this.execute(task, owner, true);
      case "finished":
        return this.answer(task, claim.record);
      case "running":
        if (claim.fingerprint !== task.fingerprint) return keyReused(claim.fingerprint, task.fingerprint);
        if (!runsHere) await this.pause(asking);
        return undefined;
      case "failed":
        // Without a store nobody can tell what has become of a run that was there a moment ago.
        if (this.settings.whenStoreFails === "fail" || asking.seenElsewhere) return storeUnavailable(claim.problem);
        if (runsHere) return undefined;
        quietly(() => task.logger.warn({ problem: claim.problem }, "The handler runs without idempotency."));
        return this.execute(task, owner, false);
    }
  }

  private answer(task: KeyedTask, { fingerprint, outcome }: IdempotencyRecord): TaskOutcome {
    if (fingerprint !== task.fingerprint) return keyReused(fingerprint, task.fingerprint);
    quietly(() => task.logger.debug({}, "Answered with the stored outcome of an earlier run."));
    return outcome;
  }

  /** Waits a little for a run of another process. */
  private async pause(asking: Asking): Promise<void> {
    asking.seenElsewhere = true;
    asking.onWaiting(true);
    const ms = asking.pauseMs;
    asking.pauseMs = Math.min(2 * ms, LONGEST_PAUSE_MS);
    await unlessAborted<true>(asking.task.signal, (done) => this.clock.schedule(ms, () => done(true)));
  }

  private execute(task: KeyedTask, owner: string, held: boolean): Promise<TaskOutcome> {
    const { store, settings, clock } = this;
    const run = new OwnedRun(task, owner, held, { store, settings, clock }, () => {
      if (this.runs.get(task.key) === run) this.runs.delete(task.key);
    });
    this.runs.set(task.key, run);
    return run.execute();
  }

  private async claim(task: KeyedTask, owner: string): Promise<Claim> {
    const { key, fingerprint } = task;
    const claim = { owner, fingerprint, leaseMs: this.settings.leaseMs };
    try {
      const answer = await this.store.claim(key, claim, () => this.free(task, owner));
      if (answer.state !== "finished") return answer;
      const record = readRecord(answer.record);
      if (record !== undefined) return { state: "finished", record };
      quietly(() => task.logger.error({}, "The record of an idempotency key cannot be read."));
      return { state: "failed", problem: "The record of the idempotency key is none of this version of the library." };
    } catch (error) {
      return { state: "failed", problem: problemOf(error) };
    }
  }

  /** Gives a key back that is not going to be used, in the background: its lease ends in any case. */
  private free({ key }: KeyedTask, owner: string): void {
    this.store.release(key, owner).catch(() => {});
  }
}
