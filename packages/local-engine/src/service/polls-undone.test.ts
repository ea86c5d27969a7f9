import { expect, it } from "vitest";
import { FakeClock } from "../../test/support/fake-clock.js";
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
  workerId: "w",
  runtime: "typescript",
  sdkVersion: null,
  buildId: null,
  workflowTypes: [],
  activityTypes: ["t"],
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

it.each([1, 2])(
  "a poll for %i without an id gets all that it leases, where what was done beside it is undone",
  async (maxTasks) => {
    const clock = new FakeClock();
    const time = new EngineTime(clock);
    const { now } = time;
    const store = Store.open(":memory:", { integrityCheck: "off", maxBatch: 100, now });
    const log = (): void => undefined;
    const context: EngineContext = {
      store,
      clock,
      time,
      now,
      lease: 30_000_000,
      shortLease: 30_000_000,
      freeRedeliveries: 3,
      feed: new Feed(),
      recent: new Recent(0),
      logger: { info: log, warn: log, error: log },
      wakes: new Wakes(),
      inputRead: () => Promise.resolve(),
    };
    const polls = new Polls(context, { maxWaitingPolls: 10, longPollSeconds: 30 });
    await store.transact(() => registerWorker(context, WORKER));
    const worker = store.workers.get("default", "w");
    if (worker === undefined) throw new Error("not registered");
    const start = (activityId: string): Promise<unknown> =>
      store.transact(() => {
        const what = { namespace: "default", activityId, activityType: "t", activityClass: "t", taskQueue: "q" };
        return startActivity(context, { ...what, businessKey: null, policy: POLICY, input: null, rawBody: "" });
      });
    const poll = polls.poll({ worker, pollRequestId: null, maxTasks }, 10_000, () => undefined);
    const thrown = (): Promise<unknown> =>
      store.transact(() => {
        throw new Error("of its own");
      });
    await Promise.allSettled([start("a"), start("b"), start("c"), start("d"), thrown()]);
    const answer = await poll;
    if (answer.kind !== "leased") throw new Error(answer.kind);
    const given = [answer.first, ...answer.others];
    expect(given.map(({ run }) => run.activityId)).toEqual(["a", "b"].slice(0, maxTasks));
    expect(store.leases.heldBy("default", "w")).toEqual(given.map(({ run }) => run.key));
    polls.stop();
    store.close();
  },
);
