import { expect, it } from "vitest";
import { FakeClock, settle } from "../../test/support/fake-clock.js";
import { start } from "../engine/transitions.js";
import { ulid } from "../ids.js";
import { Store } from "../store/store.js";
import type { EngineContext } from "./context.js";
import { DueTimer } from "./due-timer.js";
import { EngineTime } from "./engine-time.js";
import { Feed } from "./feed.js";
import { Recent } from "./recent.js";
import { Wakes } from "./wakes.js";

it("what could not be enforced is tried again in a second, whatever else falls due later", async () => {
  const clock = new FakeClock();
  const time = new EngineTime(clock);
  const { now } = time;
  const store = Store.open(":memory:", { integrityCheck: "off", maxBatch: 1, now });
  const logged: string[] = [];
  const log = (_: unknown, message: string): void => {
    logged.push(message);
  };
  const context: EngineContext = {
    store,
    clock,
    time,
    now,
    lease: 1,
    shortLease: 1,
    freeRedeliveries: 3,
    feed: new Feed(),
    recent: new Recent(0),
    logger: { info: log, warn: log, error: log },
    wakes: new Wakes(),
    inputRead: () => Promise.resolve(),
  };
  const policy = {
    maxAttempts: 1,
    backoffSeconds: [],
    nonRetryableErrorTypes: [],
    startToCloseSeconds: null,
    scheduleToStartSeconds: 5,
    scheduleToCloseSeconds: null,
    heartbeatSeconds: null,
  };
  store.write(() => {
    store.runs.insert({
      namespace: "default",
      activityId: "a",
      runNumber: 1,
      runId: "r",
      executionId: "e",
      commandId: "c",
      activityType: "t",
      activityClass: "t",
      taskQueue: "q",
      businessKey: null,
      input: null,
      fingerprint: "",
      state: start(policy, ulid(clock.now()), now()),
    });
  });
  const timer = new DueTimer(context);
  timer.start();

  const transact = store.transact.bind(store);
  store.transact = () => Promise.reject(new Error("the disk is full"));
  await clock.advance(5000);
  expect(logged).toEqual(["Deadlines could not be enforced; trying again."]);
  store.transact = transact;
  context.wakes.due(now() + 30_000_000);
  expect(store.runs.latest("a")?.state.status).toBe("running");
  await clock.advance(1000);
  await settle();
  expect(store.runs.latest("a")?.state).toMatchObject({ status: "failed", closedReason: "timed_out" });
  timer.stop();
  store.close();
});
