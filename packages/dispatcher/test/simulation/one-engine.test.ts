import { expect, it, vi } from "vitest";
import { OneEngine, type OneEngineOptions } from "./one-engine.js";

let system: OneEngine;

vi.mock(import("../../src/net/agents.js"), () => ({ createAgent: () => system.agent as never }));

const TASKS = 800;
const WARM = 200;
const AT_ONCE = 64;

function requestsOf({ asked }: OneEngine): { readonly polls: number; readonly reports: number } {
  const of = (verb: string): number => asked.get(verb) ?? 0;
  return { polls: of("poll"), reports: of("complete") + of("reports") };
}

/** What dispatchers ask of the engine for a task, and how many tasks a poll asks for. */
async function costOf(options: OneEngineOptions) {
  system = new OneEngine(options);
  await system.start();
  await system.call(WARM, AT_ONCE);
  const before = { ...requestsOf(system), slots: system.slotsAsked };
  await system.call(TASKS, AT_ONCE);
  const after = requestsOf(system);
  const polls = after.polls - before.polls;
  const reports = after.reports - before.reports;
  const slots = system.slotsAsked - before.slots;
  await system.stop();
  return { polls: polls / TASKS, reports: reports / TASKS, slotsOfPoll: slots / polls };
}

it("what is asked of the engine for a task does not grow with dispatchers beyond a poll, and a report of two", {
  timeout: 600_000,
}, async () => {
  const one = await costOf({ dispatchers: 1, carriers: 1 });
  const many = await costOf({ dispatchers: 8, carriers: 4 });
  // Tasks that come together go together.
  expect(one.polls).toBeLessThan(0.2);
  expect(one.reports).toBeLessThan(0.2);
  // 64 tasks at once for 32 registrations: each has one task or two, and its poll keeps few slots for more.
  expect(many.polls).toBeLessThan(1.05);
  expect(many.slotsOfPoll).toBeLessThan(10);
  expect(many.reports).toBeLessThan(0.5);
});

it("tasks that end at once take a request for as many as there are slots, and another one for their outcomes", {
  timeout: 600_000,
}, async () => {
  const maxInFlight = 10;
  system = new OneEngine({ dispatchers: 1, carriers: 1, maxInFlight, taskMs: 0 });
  await system.start();
  await system.queue(WARM, AT_ONCE);
  const before = requestsOf(system);
  await system.queue(TASKS, AT_ONCE);
  const { polls, reports } = requestsOf(system);
  await system.stop();
  // Two polls in turn, with half of the slots each, asked twice as often.
  expect((polls - before.polls) / TASKS).toBeLessThan(1.3 / maxInFlight);
  expect((reports - before.reports) / TASKS).toBeLessThan(1.3 / maxInFlight);
});
