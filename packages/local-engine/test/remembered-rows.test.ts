import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { ONE_ATTEMPT, PLAIN_START, PLAIN_WORKER } from "@durable-workflow/test-support/store-records";
import fc from "fast-check";
import { expect, it } from "vitest";
import { LongPayload } from "../src/long-payload.js";
import type { EngineContext } from "../src/service/context.js";
import { type LeaseOut, leaseAgain, leaseSome } from "../src/service/leases.js";
import { deregisterWorker, heartbeatWorker, registerWorker } from "../src/service/registrations.js";
import { type Claimant, completeTask, failTask, heartbeatTask, renewTaskLease } from "../src/service/reports.js";
import { enforceDue } from "../src/service/setbacks.js";
import { startActivity } from "../src/service/starts.js";
import { stopActivity } from "../src/service/stops.js";
import { Attempts } from "../src/store/attempts.js";
import type { Connection } from "../src/store/connection.js";
import { Leases } from "../src/store/leases.js";
import { Namespaces } from "../src/store/namespaces.js";
import { ReadyTasks } from "../src/store/ready-tasks.js";
import { Runs } from "../src/store/runs.js";
import { Store } from "../src/store/store.js";
import { bareEngine, FullDisk } from "./support/bare-engine.js";
import { temporaryFolder } from "./support/engine.js";
import { FakeClock } from "./support/fake-clock.js";

/**
 * What the store remembers of rows, so as not to read them again, against the rows: after every batch of random operations, of
 * which some fail alone, and some transactions as a whole, and against the file as another engine would open it then.
 */

const KINDS = [
  "start",
  "lease",
  "complete",
  "fail",
  "heartbeat",
  "renew",
  "stop",
  "due",
  "register",
  "beat",
  "deregister",
  "drain",
  "resume",
  "prune",
] as const;

interface Operation {
  readonly kind: (typeof KINDS)[number];
  /** Which activity, attempt or worker. */
  readonly which: number;
  /** Whether it throws once it has done its work. */
  readonly throws: boolean;
}

interface Batch {
  readonly operations: readonly Operation[];
  readonly ends: "commit" | "full disk at the commit" | "full disk, once";
  readonly pauseSeconds: number;
  /** Whether the clock is set afterwards. */
  readonly clockStep: boolean;
}

const operations: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom(...KINDS, "start" as const, "lease" as const, "lease" as const),
  which: fc.nat(5),
  throws: fc.boolean(),
});
const batches: fc.Arbitrary<Batch> = fc.record({
  operations: fc.array(
    fc.oneof(
      { weight: 2, arbitrary: fc.constant({ kind: "resume" as const, which: 0, throws: false }) },
      { weight: 5, arbitrary: operations.map((one) => ({ ...one, throws: false })) },
      operations,
    ),
    { minLength: 1, maxLength: 6 },
  ),
  ends: fc.oneof(
    { weight: 5, arbitrary: fc.constant("commit" as const) },
    { weight: 1, arbitrary: fc.constant("full disk at the commit" as const) },
    { weight: 1, arbitrary: fc.constant("full disk, once" as const) },
  ),
  pauseSeconds: fc.integer({ min: 0, max: 40 }),
  clockStep: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});

const POLICY = {
  ...ONE_ATTEMPT,
  maxAttempts: 3,
  backoffSeconds: [0, 10],
  startToCloseSeconds: 60,
  scheduleToCloseSeconds: 300,
};

type Readers = Pick<Store, "attempts" | "runs" | "ready" | "leases" | "namespaces">;

/** An engine without its HTTP, its timers and its polls. */
class Machine {
  readonly store: Store;
  readonly clock = new FakeClock(Date.UTC(2030, 0, 1));
  private readonly context: EngineContext;
  private readonly attempts: Claimant[] = [];
  /** All that were ever written, whether they were kept or not. */
  private readonly runKeys = new Set<number>();
  private readonly attemptIds = new Set<string>();
  private readonly polls = new Set<string>();
  private readonly disk: FullDisk;

  /** @param mostRemembered of each kind of row */
  constructor(file: string, mostRemembered?: number) {
    this.context = bareEngine({ file, clock: this.clock, leaseSeconds: 30, freeRedeliveries: 1, mostRemembered });
    this.store = this.context.store;
    this.disk = new FullDisk(this.store);
  }

  async run({ operations: all, ends, pauseSeconds, clockStep }: Batch): Promise<void> {
    this.disk.refusals = { commit: 0, "full disk, once": 1, "full disk at the commit": 100 }[ends];
    await Promise.allSettled(
      all.map((operation) =>
        this.store.transact(() => {
          this.work(operation);
          if (operation.throws) throw new Error("thrown after its work");
        }),
      ),
    );
    this.disk.refusals = 0;
    if (clockStep) {
      this.store.write(() => {
        this.store.runs.moveWaiting(5_000_000);
        this.store.workers.moveHeard(5_000_000);
      });
    }
    await this.clock.advance(pauseSeconds * 1000);
  }

  /** What is remembered beside what is written. */
  compare(): void {
    const { workers, attempts } = this.store;
    for (let n = 0; n < 6; n++) {
      const written = workers.read("default", `w${n}`);
      expect(workers.fenceOf("default", `w${n}`)).toBe(written?.fence);
      expect(workers.get("default", `w${n}`)).toEqual(written);
    }
    for (const id of this.attemptIds) expect(attempts.get(id)).toEqual(attempts.read(id));
    this.compareRuns(readersOf(Reflect.get(this.store, "db") as Connection));
  }

  private compareRuns(read: Readers): void {
    const { attempts, runs, ready, leases, namespaces } = this.store;
    for (const key of this.runKeys) {
      expect(runs.get(key)).toEqual(read.runs.get(key));
      expect(runs.input(key)).toEqual(read.runs.input(key));
      expect(runs.outcome(key)).toEqual(read.runs.outcome(key));
      expect(attempts.newestOf(key, 5)).toEqual(read.attempts.newestOf(key, 5));
    }
    for (let n = 0; n < 6; n++) {
      expect(runs.latest(`a${n}`)).toEqual(read.runs.latest(`a${n}`));
      expect(leases.heldBy("default", `w${n}`)).toEqual(read.leases.heldBy("default", `w${n}`));
      for (const poll of this.polls) {
        const given = [poll, `w${n}`, "default", "q"] as const;
        expect(leases.ofPoll(...given)).toEqual(read.leases.ofPoll(...given));
      }
    }
    const now = this.clock.now() * 1000;
    for (const at of [now, now + 5_000_000, now + 60_000_000]) {
      expect(ready.firstRun("default", "q", ["t"], at)).toBe(read.ready.firstRun("default", "q", ["t"], at));
      expect(ready.nextAt("default", "q", ["t"], at)).toBe(read.ready.nextAt("default", "q", ["t"], at));
    }
    expect(namespaces.drainedSince("default", "q")).toBe(read.namespaces.drainedSince("default", "q"));
  }

  /** What is remembered beside what another engine reads from the file as it is now. */
  compareWith(other: Store): void {
    const { attempts, workers } = this.store;
    this.compareRuns(other);
    for (const id of this.attemptIds) expect(attempts.get(id)).toEqual(other.attempts.get(id));
    for (let n = 0; n < 6; n++) {
      expect(workers.get("default", `w${n}`)).toEqual(other.workers.get("default", `w${n}`));
    }
  }

  private work({ kind, which }: Operation): void {
    const { context } = this;
    const claimant = this.attempts.at(-1 - which);
    const workerId = `w${which}`;
    switch (kind) {
      case "start": {
        const started = startActivity(context, {
          ...PLAIN_START,
          activityId: `a${which}`,
          policy: POLICY,
          input: [null, "AAEC", "A".repeat(2000), new LongPayload(Buffer.alloc(60_000, which))][which % 4] ?? null,
        });
        if (started.kind === "started") this.runKeys.add(started.run.key);
        break;
      }
      case "lease": {
        const worker = this.store.workers.get("default", workerId);
        // Not every poll has an id of its own.
        const pollRequestId = `p${this.attemptIds.size % 4}`;
        const request = worker && { worker, pollRequestId };
        const leases = request && (leaseAgain(context, request) ?? leaseSome(context, { ...request, maxTasks: 2 }));
        if (leases === undefined) break;
        this.polls.add(pollRequestId);
        for (const lease of [leases.first, ...leases.others]) this.leased(lease, workerId);
        break;
      }
      case "complete":
        if (claimant !== undefined) completeTask(context, claimant, which === 0 ? "A".repeat(2000) : "AA==");
        break;
      case "fail": {
        const failure = {
          message: "no",
          type: null,
          exceptionClass: "E",
          code: 0,
          nonRetryable: false,
          stackTrace: null,
        };
        if (claimant !== undefined) failTask(context, claimant, failure, null);
        break;
      }
      case "heartbeat":
        if (claimant !== undefined) heartbeatTask(context, claimant, { message: `at ${which}` });
        break;
      case "renew":
        if (claimant !== undefined) renewTaskLease(context, claimant);
        break;
      case "stop": {
        const how = which % 2 === 0 ? "cancelled" : "terminated";
        const rest = { runId: null, how, reason: null, path: "/", fingerprint: "" } as const;
        stopActivity(context, { namespace: "default", activityId: `a${which}`, ...rest });
        break;
      }
      case "due":
        enforceDue(context, 10);
        break;
      case "register":
        registerWorker(context, { ...PLAIN_WORKER, workerId });
        break;
      case "beat":
        heartbeatWorker(context, "default", workerId, { taskSlots: null, processMetrics: null, heartbeatInterval: 5 });
        break;
      case "deregister":
        deregisterWorker(context, "default", workerId);
        break;
      case "drain":
        this.store.namespaces.drain("default", "q", which);
        break;
      case "resume":
        this.store.namespaces.resume("default", "q");
        break;
      case "prune":
        this.store.retention.prune(context.now() - 20_000_000, which, context.now(), () => false);
    }
  }

  private leased(lease: LeaseOut, leaseOwner: string): void {
    this.attemptIds.add(lease.attemptId);
    const { namespace, state } = lease.run;
    this.attempts.push({ namespace, taskId: state.task.id, attemptId: lease.attemptId, leaseOwner });
  }
}

/** Readers that remember nothing yet. */
function readersOf(db: Connection): Readers {
  const ready = new ReadyTasks(db);
  const leases = new Leases(db);
  const runs = new Runs(db, ready, leases);
  return { ready, leases, runs, attempts: new Attempts(db, runs), namespaces: new Namespaces(db) };
}

/** None at all, fewer than there are of each kind, and as many as ever: no more than there are. */
const BOUNDS = fc.constantFrom(0, 1, 2, 3, undefined, undefined);

it("what is remembered is what is written, whatever fails and is undone, and however little is", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(batches, { minLength: 5, maxLength: 30 }), BOUNDS, async (script, mostRemembered) => {
      const machine = new Machine(":memory:", mostRemembered);
      for (let n = 0; n < 3; n++) await machine.run(only("register", n));
      for (const batch of script) {
        await machine.run(batch);
        machine.compare();
      }
      machine.store.close();
    }),
    { numRuns: 100 },
  );
});

it("what is remembered is what an engine finds that opens the file after every step", async () => {
  const folder = temporaryFolder();
  let copies = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(batches, { minLength: 3, maxLength: 12 }), BOUNDS, async (script, mostRemembered) => {
      const file = join(folder, `engine-${copies++}.db`);
      const machine = new Machine(file, mostRemembered);
      await machine.run(only("register", 0));
      for (const batch of script) {
        await machine.run(batch);
        const copy = join(folder, `copy-${copies++}.db`);
        for (const end of ["", "-wal"]) if (existsSync(file + end)) copyFileSync(file + end, copy + end);
        const other = Store.open(copy, { integrityCheck: "quick", maxBatch: 1, now: () => 0 });
        machine.compareWith(other);
        other.close();
      }
      machine.store.close();
    }),
    { numRuns: 12 },
  );
});

function only(kind: Operation["kind"], which: number): Batch {
  return { operations: [{ kind, which, throws: false }], ends: "commit", pauseSeconds: 0, clockStep: false };
}
