import { PLAIN_START, PLAIN_WORKER } from "@durable-workflow/test-support/store-records";
import { expect, it, onTestFinished } from "vitest";
import { bareEngine } from "../../test/support/bare-engine.js";
import { FakeClock, settle } from "../../test/support/fake-clock.js";
import { Polls } from "./polls.js";
import { deregisterWorker, registerWorker } from "./registrations.js";
import { startActivity } from "./starts.js";

/** A worker whose poll has leased a task. */
async function leased() {
  const context = bareEngine({ clock: new FakeClock() });
  const polls = new Polls(context, { maxWaitingPolls: 100, longPollSeconds: 30 });
  onTestFinished(() => {
    polls.stop();
    context.store.close();
  });
  const worker = await context.store.transact(() => registerWorker(context, PLAIN_WORKER));
  await context.store.transact(() => startActivity(context, PLAIN_START));
  const poll = () => polls.poll({ worker, pollRequestId: "p" }, 0, () => undefined);
  expect(await poll()).toMatchObject({ kind: "leased" });
  return { context, polls, worker, poll };
}

it("a repeat that comes as its registration ends is told what the poll has leased", async () => {
  const { context, polls, worker, poll } = await leased();
  const { namespace, workerId } = worker;
  const ended = context.store.transact(() => deregisterWorker(context, namespace, workerId));
  const again = poll();
  await ended;
  polls.endOf(namespace, workerId, undefined);
  expect(await again).toMatchObject({ kind: "leased" });
  expect(await poll()).toMatchObject({ kind: "leased" });
});

it("what another registration of the same name has taken back is not told again", async () => {
  const { context, poll } = await leased();
  const anew = context.store.transact(() => registerWorker(context, PLAIN_WORKER));
  const again = poll();
  await anew;
  await settle();
  expect(await again).toMatchObject({ kind: "fenced" });
});
