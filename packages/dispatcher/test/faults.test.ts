import { payloadEnvelope } from "@durable-workflow/carrier/payload";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Asked, ENDS, FaultWorld, type Kind, pause, SEED } from "./support/fault-world.js";
import { DONE } from "./support/foreign-carrier.js";
import { type Execution, ScriptedEngine } from "./support/scripted-engine.js";

const TASKS = Number(process.env["FAULT_TASKS"] ?? 5_200);
/** A dispatcher or the carrier is killed each time that so many tasks more have ended. */
const TASKS_PER_HARM = 50;

const engine = new ScriptedEngine({ leaseMs: 2_500, longPollMs: 400 });
const world = new FaultWorld();
const asked = new Asked();

beforeAll(async () => {
  engine.keepCalls = false;
  engine.interfere = ({ verb, body }) => {
    asked.note(verb, body);
    return undefined;
  };
  await engine.start();
  await world.open(Number(new URL(engine.url).port));
});

afterAll(async () => {
  await world.close();
  await engine.stop();
});

describe(`a network that cuts, delays, truncates and duplicates, carriers and dispatchers that are killed (seed ${SEED})`, () => {
  it(`brings each of ${TASKS} tasks to exactly one end`, { timeout: 600_000 }, async () => {
    const executions: { readonly kind: Kind; readonly execution: Execution }[] = [];
    let done = false;
    const isOver = (): boolean => done;
    // Harm follows progress: on a slow machine, a dispatcher that is killed as soon as it has started makes none.
    const chaos = world.wreakHavoc(isOver, async () => {
      const ended = (): number => executions.length - openCount(executions);
      const goal = ended() + TASKS_PER_HARM;
      while (ended() < goal && !isOver()) await pause(20);
    });
    // With few tasks chance may spare a proxy a fault: it goes on until each has done each.
    for (let count = 0; count < TASKS || !isEnoughHarm(); count++) {
      const kind = world.pickKind();
      const args = { ...payloadEnvelope([`${kind}-${count}`, 0]) };
      const heartbeats = kind === "slow" ? { heartbeatTimeoutMs: 300 } : {};
      const spec = { type: kind, arguments: args, maxAttempts: 1_000, ...heartbeats };
      executions.push({ kind, execution: engine.schedule(spec) });
      // Enough is always there to do, and nothing waits for minutes.
      if (count % 50 === 49) await engine.until(() => openCount(executions) < 400, "progress");
    }
    await engine.until(() => openCount(executions) < 200, "the end of most tasks");
    world.heal();
    done = true;
    await chaos;
    await engine.until(() => openCount(executions) === 0, "the end of all tasks");

    for (const { kind, execution } of executions) {
      const final = execution.outcomes.at(-1);
      expect(execution.status, execution.id).toBe(ENDS[kind]);
      // Of all attempts, one has ended the task; the others before it have failed so that it was retried, or ran out.
      expect(execution.outcomes.filter(({ verb }) => verb === "complete").length).toBe(kind === "refuse" ? 0 : 1);
      expect(final?.verb).toBe(kind === "refuse" ? "fail" : "complete");
      expect(new Set(execution.outcomes.map(({ attemptId }) => attemptId)).size).toBe(execution.outcomes.length);
      if (kind === "refuse") expect(final?.body["failure"]).toMatchObject({ type: "Never", non_retryable: true });
      if (kind === "foreign") expect(final?.body["result"]).toEqual(DONE);
    }
    // Whatever was said of an attempt, and however often, it was the same.
    expect(asked.contradictions()).toEqual([]);
    // And harm was done.
    for (const { counts } of world.proxies) {
      for (const [fault, times] of Object.entries(counts)) expect(times, fault).toBeGreaterThan(0);
    }
    expect(world.restarts).toBeGreaterThan(0);
    expect(world.kills).toBeGreaterThan(0);
  });
});

function isEnoughHarm(): boolean {
  const counts = world.proxies.flatMap((proxy) => Object.values(proxy.counts));
  return counts.every((times) => times > 0) && world.restarts > 0 && world.kills > 0;
}

function openCount(executions: readonly { readonly execution: Execution }[]): number {
  let open = 0;
  for (const { execution } of executions) if (execution.status === "pending" || execution.status === "running") open++;
  return open;
}
