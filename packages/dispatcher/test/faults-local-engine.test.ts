import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodePayload, payloadEnvelope } from "@durable-workflow/carrier/payload";
import { ChildEngine } from "@durable-workflow/test-support/child-engine";
import { Client, type Json } from "@durable-workflow/test-support/engine-client";
import type { Fault } from "@durable-workflow/test-support/fault-proxy";
import { type EngineReply, Gateway } from "@durable-workflow/test-support/gateway";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineCall, keepsLease, WORKER_TOKEN } from "./support/engine-under-test.js";
import { Asked, ENDS, FaultWorld, type Kind, pause, SEED } from "./support/fault-world.js";
import { DONE } from "./support/foreign-carrier.js";

const TASKS = Number(process.env["FAULT_TASKS"] ?? 1_200);
/** The engine is killed each time that so many tasks more were started. */
const TASKS_PER_KILL = Math.ceil(TASKS / 6);
/** A dispatcher or the carrier, each time that so many reports more were recorded. */
const REPORTS_PER_HARM = Math.ceil(TASKS / 12);
/** One less than a page of the list holds. */
const MOST_OPEN = 199;
const STARTERS = 6;
const OPERATOR_TOKEN = "operator-t0ken";

const folder = mkdtempSync(join(tmpdir(), "dispatcher-engine-faults-"));
const world = new FaultWorld();
const asked = new Asked();
/** Starts that the engine has acknowledged, and those of which nobody knows. */
const acknowledged = new Map<string, Kind>();
const unknown = new Map<string, Kind>();
/** Reports that were answered as recorded: attempt id to verb. */
const recorded = new Map<string, string>();
/** Attempt ids by activity and attempt number, and until when workers were told that they have each. */
const deliveries = new Map<string, string>();
const leasedUntil = new Map<string, number>();
const wrong: string[] = [];
let engine: ChildEngine | undefined;
let engineKills = 0;

const gateway = new Gateway({ target: () => engine?.client.url, onReply: watch });

const startEngine = async (integrityCheck: "quick" | "full" = "quick"): Promise<ChildEngine> =>
  ChildEngine.start({
    file: join(folder, "engine.db"),
    leaseSeconds: 2,
    longPollSeconds: 1,
    auth: { workerToken: WORKER_TOKEN, operatorToken: OPERATOR_TOKEN },
    integrityCheck,
  });

beforeAll(async () => {
  gateway.keepCalls = false;
  engine = await startEngine();
  await world.open((await gateway.start()).port);
});

afterAll(async () => {
  await world.close();
  await gateway.stop();
  await engine?.stop();
  rmSync(folder, { recursive: true });
});

/** What went to the engine, and what it said, whether or not that arrived. */
function watch({ verb, body: sent }: EngineCall, { status, body }: EngineReply): void {
  asked.note(verb, sent);
  const attemptId = String(sent["activity_attempt_id"]);
  const isReport = verb === "complete" || verb === "fail";
  if (isReport && status === 200) {
    if (recorded.has(attemptId)) wrong.push(`${attemptId} was recorded twice`);
    recorded.set(attemptId, verb);
  }
  if (keepsLease(verb, body)) noteLease(attemptId, body["lease_expires_at"]);
  const task = verb === "poll" ? (body["task"] as Json) : null;
  if (task == null) return;
  const delivery = `${task.workflow_id} ${task.attempt_number}`;
  const known = deliveries.get(delivery) ?? task.activity_attempt_id;
  if (known !== task.activity_attempt_id) wrong.push(`${delivery} was given out twice`);
  deliveries.set(delivery, known);
  noteLease(known, task.lease_expires_at);
}

function noteLease(attemptId: string, expiresAt: unknown): void {
  leasedUntil.set(attemptId, Math.max(leasedUntil.get(attemptId) ?? 0, Date.parse(String(expiresAt))));
}

/** The engine's own interface, past all harm but its death. */
const control = (): Client => new Client(engine?.client.url ?? "", { operatorToken: OPERATOR_TOKEN });

const isUp = (): boolean => engine !== undefined;

/** Tries again until the engine is there. */
async function surely<T>(ask: (client: Client) => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask(control());
    } catch {
      await pause(50);
    }
  }
}

async function openCount(): Promise<number> {
  const { body } = await surely((client) => client.call("GET", "/api/activities?status=running&page_size=200"));
  return body.activity_count;
}

async function startOne(id: string, kind: Kind): Promise<void> {
  for (let tries = 1; ; tries++) {
    const activityId = `${id}-${tries}`;
    while (!isUp()) await pause(20);
    try {
      await control().started(kind, "lamps", {
        activity_id: activityId,
        input: payloadEnvelope([activityId, 0]),
        retry_policy: { max_attempts: 1_000 },
        ...(kind === "slow" ? { heartbeat_timeout_seconds: 1 } : {}),
      });
      acknowledged.set(activityId, kind);
      return;
    } catch {
      unknown.set(activityId, kind);
      await pause(50);
    }
  }
}

async function killEngine(): Promise<void> {
  await pause(Math.floor(world.random() * 200));
  await engine?.kill();
  engineKills++;
  engine = undefined;
  await pause(Math.floor(world.random() * 300));
  engine = await startEngine();
}

async function startAll(): Promise<void> {
  let started = 0;
  let killed = Promise.resolve();
  const starter = async (): Promise<void> => {
    while (started < TASKS) {
      const number = started++;
      if (number % TASKS_PER_KILL === TASKS_PER_KILL - 1) killed = killed.then(killEngine);
      const kind = world.pickKind();
      await startOne(`${kind}-${number}`, kind);
      if (number % 20 === 19) while ((await openCount()) >= MOST_OPEN) await pause(50);
    }
  };
  await Promise.all(Array.from({ length: STARTERS }, starter));
  await killed;
}

describe(`the same harm, and the engine killed as well (seed ${SEED})`, () => {
  it(`brings each of ${TASKS} tasks to exactly one end, none under two leases`, { timeout: 600_000 }, async () => {
    let done = false;
    const isOver = (): boolean => done;
    // Harm follows progress: a slow machine would be kept from any otherwise.
    const chaos = world.wreakHavoc(isOver, async () => {
      const goal = recorded.size + REPORTS_PER_HARM;
      while (recorded.size < goal && !isOver()) await pause(20);
    });
    await startAll();
    while ((await openCount()) > 60) await pause(50);
    world.heal();
    done = true;
    await chaos;
    while ((await openCount()) > 0) await pause(50);

    // What is on disk is what counts.
    await engine?.kill();
    engine = await startEngine("full");
    const client = control();
    for (const [id, kind] of acknowledged) await check(client, id, kind);
    for (const [id, kind] of unknown) {
      if ((await client.call("GET", `/api/activities/${id}`)).status !== 404) await check(client, id, kind);
    }
    expect(wrong).toEqual([]);
    expect(acknowledged.size).toBe(TASKS);
    expect(asked.contradictions()).toEqual([]);
    // And harm was done.
    for (const { counts } of world.proxies) expect(Math.max(...Object.values(counts))).toBeGreaterThan(0);
    for (const fault of Object.keys(world.proxies[0]?.counts ?? {}) as Fault[]) {
      expect(
        world.proxies.some(({ counts }) => counts[fault] > 0),
        fault,
      ).toBe(true);
    }
    expect(engineKills).toBeGreaterThanOrEqual(5);
    expect(world.restarts + world.kills).toBeGreaterThan(0);
  });
});

/** One outcome, the right one, of the last attempt; and whatever was acknowledged is there. */
async function check(client: Client, id: string, kind: Kind): Promise<void> {
  const activity = await client.describe(id);
  const attempts = activity.attempts as readonly Json[];
  const { status, result, failure } = activity;
  if (status !== ENDS[kind]) wrong.push(`${id} ended as ${status}`);
  if (kind === "refuse") {
    if (failure?.type !== "Never" || !failure.non_retryable) wrong.push(`${id}: ${JSON.stringify(failure)}`);
  } else {
    const value = result === null ? undefined : decodePayload(result);
    const expected = kind === "foreign" ? decodePayload(DONE) : kind === "flaky" ? `${id}0` : id;
    if (value !== expected) wrong.push(`${id} has the result ${JSON.stringify(value)}`);
  }
  for (const [index, attempt] of attempts.entries()) {
    const { activity_attempt_id: attemptId, attempt_number: number, status: ended, started_at: startedAt } = attempt;
    const isLast = index === attempts.length - 1;
    if (number !== index + 1) wrong.push(`${id} has ${number} as attempt ${index + 1}`);
    const isEnd =
      ended === "completed" || (ended === "failed" && kind === "refuse" && attempt.failure.type === "Never");
    if (isEnd !== isLast) wrong.push(`${id} has its attempt ${number} ${ended}`);
    const verb = recorded.get(attemptId);
    if (verb !== undefined && (verb === "complete" ? "completed" : "failed") !== ended) {
      wrong.push(`${attemptId} was recorded with ${verb}, and is ${ended}`);
    }
    const before = attempts[index - 1];
    if (before !== undefined && !(before.closed_at <= startedAt)) wrong.push(`${id} ran twice at ${startedAt}`);
    const delivered = deliveries.get(`${id} ${number}`) ?? attemptId;
    if (delivered !== attemptId) wrong.push(`${attemptId} was given out as ${delivered}`);
    if (ended === "expired" && Date.parse(attempt.closed_at) < (leasedUntil.get(attemptId) ?? 0)) {
      wrong.push(`${attemptId} lost a lease that was valid`);
    }
  }
}
