import fc from "fast-check";
import { expect, it } from "vitest";
import { FakeClock } from "../../test/support/fake-clock.js";
import type { Connection } from "../store/connection.js";
import { Store } from "../store/store.js";
import type { EngineContext } from "./context.js";
import { EngineTime } from "./engine-time.js";
import { Feed } from "./feed.js";
import { Polls } from "./polls.js";
import { Recent } from "./recent.js";
import { registerWorker } from "./registrations.js";
import { startActivity } from "./starts.js";
import { Wakes } from "./wakes.js";

const POLICY = {
  maxAttempts: 1,
  backoffSeconds: [],
  nonRetryableErrorTypes: [],
  startToCloseSeconds: null,
  scheduleToStartSeconds: null,
  scheduleToCloseSeconds: null,
  heartbeatSeconds: null,
};
const WORKER = {
  namespace: "default",
  taskQueue: "q",
  runtime: "typescript",
  sdkVersion: null,
  buildId: null,
  workflowTypes: [],
  maxWorkflowTasks: 1,
  maxActivityTasks: 1,
  processIdentity: null,
  capabilities: [],
  capabilityManifest: {},
  maxWorkerSessions: 10,
  taskSlots: null,
  processMetrics: null,
  heartbeatInterval: null,
};
/** What each worker takes. */
const TYPES = { w0: ["t"], w1: ["u"], w2: ["t", "u"] } as const;
type WorkerName = keyof typeof TYPES;
const WORKERS = Object.keys(TYPES) as readonly WorkerName[];
const LEASE = 3_600_000_000;

/** Polls over a store whose commits can fail. */
class Machine {
  readonly store: Store;
  readonly polls: Polls;
  /** Commits that the disk will refuse. */
  fullFor = 0;
  /** How often a poll was told of each run. */
  readonly told = new Map<number, number>();
  /** What those take that wait. */
  readonly waiting = new Set<readonly string[]>();
  private readonly context: EngineContext;
  private names = 0;

  constructor(maxBatch: number) {
    const clock = new FakeClock();
    const time = new EngineTime(clock);
    const { now } = time;
    this.store = Store.open(":memory:", { integrityCheck: "off", maxBatch, now });
    const log = (): void => undefined;
    this.context = {
      store: this.store,
      clock,
      time,
      now,
      lease: LEASE,
      shortLease: LEASE,
      freeRedeliveries: 3,
      feed: new Feed(),
      recent: new Recent(0),
      logger: { info: log, warn: log, error: log },
      wakes: new Wakes(),
      inputRead: () => Promise.resolve(),
    };
    this.polls = new Polls(this.context, { maxWaitingPolls: 100, longPollSeconds: 30 });
    const commits = Reflect.get(this.store, "commits") as object;
    const commit = Reflect.get(commits, "commit") as ReturnType<Connection["prepare"]>;
    const run = commit.run.bind(commit);
    commit.run = (...parameters) => {
      if (this.fullFor-- > 0) throw Object.assign(new Error("full"), { code: "SQLITE_FULL" });
      return run(...parameters);
    };
  }

  async register(): Promise<void> {
    for (const workerId of WORKERS) {
      const request = { ...WORKER, workerId, activityTypes: TYPES[workerId] };
      await this.store.transact(() => registerWorker(this.context, request));
    }
  }

  start(activityType: string, input: string | null): void {
    const what = { namespace: "default", activityType, activityClass: "t", taskQueue: "q", businessKey: null };
    const request = { ...what, activityId: `a${this.names++}`, policy: POLICY, input, rawBody: "" };
    this.store.transact(() => startActivity(this.context, request)).catch(() => undefined);
  }

  fail(): void {
    const thrown = this.store.transact(() => {
      throw new Error("of its own");
    });
    thrown.catch(() => undefined);
  }

  poll(name: WorkerName, { maxTasks, hasId, goes }: { maxTasks: number; hasId: boolean; goes: boolean }): void {
    const worker = this.store.workers.get("default", name);
    if (worker === undefined) throw new Error("not registered");
    const types = [...TYPES[name]];
    this.waiting.add(types);
    let gone = (): void => undefined;
    const pollRequestId = hasId ? `p${this.names++}` : null;
    const polled = this.polls.poll({ worker, pollRequestId, maxTasks }, 1_000_000, (callback) => (gone = callback));
    void polled.then(
      (outcome) => {
        this.waiting.delete(types);
        const given = outcome.kind === "leased" ? [outcome.first, ...outcome.others] : [];
        for (const { run } of given) this.told.set(run.key, (this.told.get(run.key) ?? 0) + 1);
      },
      () => this.waiting.delete(types),
    );
    if (goes) gone();
  }

  /** All that was begun is over, or waits. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 24; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.fullFor = 0;
    for (let turn = 0; turn < 24; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** The runs that are leased out, each as often as a poll should have been told of it. */
  get leased(): ReadonlyMap<number, number> {
    return new Map(
      WORKERS.flatMap((name) => this.store.leases.heldBy("default", name).map((key) => [key, 1] as const)),
    );
  }

  /** Tasks that somebody waits for who was not woken. */
  get left(): readonly number[] {
    const { ready } = this.store;
    const now = this.context.now();
    return [...this.waiting].flatMap((types) => ready.firstRun("default", "q", types, now) ?? []);
  }

  close(): void {
    this.polls.stop();
    this.store.close();
  }
}

it.each([1, 2])(
  "a poll for %i is given once what it leases, where what was done beside it is undone",
  async (maxTasks) => {
    const machine = new Machine(100);
    await machine.register();
    machine.poll("w0", { maxTasks, hasId: false, goes: false });
    for (let n = 0; n < 4; n++) machine.start("t", null);
    machine.fail();
    await machine.settle();
    expect(machine.told.size).toBe(maxTasks);
    expect(machine.told).toEqual(machine.leased);
    machine.close();
  },
);

const flag = fc.boolean();
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("start" as const),
      type: fc.constantFrom("t", "u"),
      input: fc.constantFrom(null, "A".repeat(20_000)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("poll" as const),
      name: fc.constantFrom(...WORKERS),
      maxTasks: fc.integer({ min: 1, max: 4 }),
      hasId: flag,
      goes: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("fail" as const) }) },
);
const round = fc.record({ steps: fc.array(step, { maxLength: 8 }), fullFor: fc.constantFrom(0, 0, 0, 1, 100) });

it("polls are told once of what they lease, and none waits for what is there, whatever fails", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(round, { minLength: 1, maxLength: 8 }),
      fc.constantFrom(1, 3, 100),
      async (rounds, maxBatch) => {
        const machine = new Machine(maxBatch);
        await machine.register();
        for (const { steps, fullFor } of rounds) {
          machine.fullFor = fullFor;
          for (const each of steps) {
            if (each.kind === "start") machine.start(each.type, each.input);
            else if (each.kind === "poll") machine.poll(each.name, each);
            else machine.fail();
          }
          await machine.settle();
          expect(machine.told).toEqual(machine.leased);
          // Those that were to be woken when the disk was full look again with what comes next.
          if (fullFor > 0) machine.polls.rearm();
          else expect(machine.left).toEqual([]);
        }
        machine.close();
      },
    ),
    { numRuns: 60 },
  );
});
