import { payloadEnvelope } from "@durable-workflow/carrier/payload";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Asked, ENDS, FaultWorld, type Kind, SEED } from "./support/fault-world.js";
import { DONE } from "./support/foreign-carrier.js";
import { type Execution, ScriptedEngine } from "./support/scripted-engine.js";

const TASKS = Number(process.env["FAULT_TASKS"] ?? 5_200);

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
  it(`brings each of ${TASKS} tasks to exactly one end`, { timeout: 170_000 }, async () => {
    const executions: { readonly kind: Kind; readonly execution: Execution }[] = [];
    let done = false;
    const chaos = world.wreakHavoc(() => done);
    for (let count = 0; count < TASKS; count++) {
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

function openCount(executions: readonly { readonly execution: Execution }[]): number {
  let open = 0;
  for (const { execution } of executions) if (execution.status === "pending" || execution.status === "running") open++;
  return open;
}
