import { ONE_ATTEMPT } from "@durable-workflow/test-support/store-records";
import { expect, it } from "vitest";
import { bareEngine } from "../../test/support/bare-engine.js";
import { FakeClock, settle } from "../../test/support/fake-clock.js";
import { start } from "../engine/transitions.js";
import { ulid } from "../ids.js";
import { DueTimer } from "./due-timer.js";

it("what could not be enforced is tried again in a second, whatever else falls due later", async () => {
  const clock = new FakeClock();
  const logged: string[] = [];
  const context = bareEngine({ clock, log: (message) => logged.push(message) });
  const { store, now } = context;
  const policy = { ...ONE_ATTEMPT, scheduleToStartSeconds: 5 };
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
