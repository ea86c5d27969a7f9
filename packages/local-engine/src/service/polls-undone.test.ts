import fc from "fast-check";
import { expect, it } from "vitest";
import { PollMachine, WORKERS } from "../../test/support/poll-machine.js";

it.each([1, 2])(
  "a poll for %i is given once what it leases, where what was done beside it is undone",
  async (maxTasks) => {
    const machine = new PollMachine(100);
    await machine.register();
    machine.poll("w0", { maxTasks, hasId: false });
    for (let n = 0; n < 4; n++) machine.start("t");
    machine.fail();
    await machine.settle();
    expect(machine.told.size).toBe(maxTasks);
    expect(machine.told).toEqual(machine.leased);
    machine.close();
  },
);

it("a poll whose time is up while it looks for a task hears of the one that it is given in the same transaction", async () => {
  const machine = new PollMachine(100);
  await machine.register();
  machine.poll("w0", { maxTasks: 1, hasId: false, holdMs: 1_000 });
  await machine.settle();
  // It is woken for nothing, its time is up, and then there is a task.
  machine.polls.rearm();
  machine.clock.fire(1_000);
  machine.start("t");
  await machine.settle();
  expect(machine.leased.size).toBe(1);
  expect(machine.told).toEqual(machine.leased);
  machine.close();
});

it("a poll that comes after its own repeat, whose tasks are done, is given none that nobody hears of", async () => {
  const machine = new PollMachine(100);
  await machine.register();
  machine.start("t");
  machine.start("t");
  machine.poll("w0", { maxTasks: 1, hasId: true });
  await machine.settle();
  machine.complete();
  machine.comeLate(0);
  await machine.settle();
  expect(machine.leased).toEqual(new Map());
  machine.close();
});

it("a task whose poll fails as it is leased goes to another poll that waits", async () => {
  const machine = new PollMachine(1);
  await machine.register();
  machine.poll("w0", { maxTasks: 1, hasId: true });
  await machine.settle();
  machine.poll("w2", { maxTasks: 1, hasId: true });
  await machine.settle();
  // The start is kept, what leases its task is not.
  machine.disk.spared = 1;
  machine.disk.refusals = 1;
  machine.start("t");
  await machine.settle();
  machine.clock.fire(1);
  await machine.settle();
  expect(machine.left).toEqual([]);
  expect(machine.leased.size).toBe(1);
  expect(machine.told).toEqual(machine.leased);
  machine.close();
});

const flag = fc.boolean();
const some = fc.nat({ max: 5 });
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("start" as const),
      type: fc.constantFrom("t", "u"),
      input: fc.constantFrom(null, "A".repeat(20_000)),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("poll" as const),
      name: fc.constantFrom(...WORKERS),
      maxTasks: fc.integer({ min: 1, max: 4 }),
      hasId: flag,
      goes: fc.constantFrom(false, false, false, true),
      holdMs: fc.constantFrom(0, 1_000, 1_000_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("fail" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("recall" as const), which: some }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("come late" as const), which: fc.nat({ max: 50 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("complete" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wake all" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("a second" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("a minute" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
const round = fc.record({
  steps: fc.array(step, { maxLength: 8 }),
  refusals: fc.constantFrom(0, 0, 0, 1, 100),
  spared: fc.nat({ max: 3 }),
});

function take(machine: PollMachine, each: Step): void {
  switch (each.kind) {
    case "start":
      return machine.start(each.type, each.input);
    case "poll":
      return machine.poll(each.name, each);
    case "fail":
      return machine.fail();
    case "recall":
      return machine.recall(each.which);
    case "come late":
      return machine.comeLate(each.which);
    case "complete":
      return machine.complete();
    case "wake all":
      return machine.polls.rearm();
    case "a second":
      return machine.clock.fire(1_000);
    case "a minute":
      return machine.clock.fire(60_000);
  }
}

it("polls are told once of what they lease, and none waits for what is there, whatever fails and is recalled", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(round, { minLength: 1, maxLength: 8 }),
      fc.constantFrom(1, 3, 100),
      fc.constantFrom(0, 2, undefined),
      async (rounds, maxBatch, mostRemembered) => {
        const machine = new PollMachine(maxBatch, mostRemembered);
        await machine.register();
        for (const { steps, refusals, spared } of rounds) {
          machine.disk.spared = spared;
          machine.disk.refusals = refusals;
          for (const each of steps) take(machine, each);
          await machine.settle();
          expect(machine.told).toEqual(machine.leased);
          if (refusals > 0) {
            // Whoever fails to look for a task has others woken for it.
            machine.clock.fire(1);
            await machine.settle();
          }
          expect(machine.left).toEqual([]);
        }
        machine.close();
      },
    ),
    { numRuns: 150 },
  );
});
