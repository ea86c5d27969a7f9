import { expect, it, vi } from "vitest";
import { OneEngine, type OneEngineOptions } from "./one-engine.js";

let system: OneEngine;

vi.mock(import("../../src/net/agents.js"), () => ({ createAgent: () => system.agent as never }));

const TASKS = 800;
const WARM = 200;
const AT_ONCE = 64;

/** What dispatchers ask of the engine for a task, and how many tasks a poll asks for. */
async function costOf(options: OneEngineOptions) {
  system = new OneEngine(options);
  await system.start();
  await system.call(WARM, AT_ONCE);
  const asked = (...verbs: readonly string[]): number =>
    verbs.reduce((sum, verb) => sum + (system.asked.get(verb) ?? 0), 0);
  const before = { polls: asked("poll"), reports: asked("complete", "reports"), slots: system.slotsAsked };
  await system.call(TASKS, AT_ONCE);
  const polls = asked("poll") - before.polls;
  const reports = asked("complete", "reports") - before.reports;
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
