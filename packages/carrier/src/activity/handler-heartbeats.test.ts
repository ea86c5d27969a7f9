import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { activityTaskEnvelope, type Changes } from "../../test/support/envelopes.js";
import { FakeClock, NOON } from "../../test/support/fake-clock.js";
import { type Loopback, listen } from "../../test/support/loopback.js";
import { payloadEnvelope } from "../payload/index.js";
import type { HeartbeatAnswer } from "../protocol/heartbeat.js";
import type { ActivityTaskInputEnvelope } from "../protocol/index.js";
import { serializeExternalPayloadReference } from "../protocol/payload-reference.js";
import { type ExternalStorageDriver, externalStorage } from "../storage/index.js";
import { recordingLogger } from "../testing/recording-logger.js";
import { type ActivityContext } from "./context.js";
import { defineActivity } from "./definition/define-activity.js";
import { ActivityCancelled, AttemptClosed } from "./errors.js";
import { InvocableActivityHandler } from "./handler.js";
import { engineHeartbeats, type Heartbeat, heartbeats } from "./heartbeat/index.js";

const MINUTE_MS = 60_000;
const GO_ON: HeartbeatAnswer = {
  canContinue: true,
  cancelRequested: false,
  reason: undefined,
  leaseExpiresAt: undefined,
};
const ONLY_LEASE = { schedule_to_start: null, start_to_close: null, schedule_to_close: null, heartbeat: null };

/** A run at noon whose heartbeats go to a sender of the test's. */
function started(
  work: (context: ActivityContext, clock: FakeClock) => unknown,
  {
    answer = () => GO_ON,
    changes = {},
    automatic = false,
  }: {
    answer?: (heartbeat: Heartbeat, clock: FakeClock) => HeartbeatAnswer | Promise<HeartbeatAnswer>;
    changes?: Changes<ActivityTaskInputEnvelope>;
    automatic?: boolean;
  } = {},
) {
  const clock = new FakeClock();
  const logger = recordingLogger();
  const sent: Heartbeat[] = [];
  const sender = {
    send: async (one: Heartbeat) => {
      sent.push(one);
      return answer(one, clock);
    },
  };
  const heartbeat = heartbeats({ sender, automatic });
  let context!: ActivityContext;
  const activity = defineActivity({
    run: (given) => {
      context = given;
      return work(given, clock);
    },
  });
  const handler = new InvocableActivityHandler({ "lamps.dim": activity }, { clock, logger, heartbeat });
  const result = handler.handle(activityTaskEnvelope(changes));
  return { clock, logger, sent, result, context: () => context };
}

const never = (): Promise<never> => new Promise(() => {});

/** Heartbeats every so often, for so long. */
const beating =
  (everyMs: number, forMs: number) =>
  (context: ActivityContext, clock: FakeClock): Promise<string> =>
    new Promise((resolve) => {
      const end = clock.now() + forMs;
      const beat = (): void => {
        context.heartbeat({ current: clock.now() - NOON });
        if (clock.now() >= end) resolve("done");
        else clock.schedule(everyMs, beat);
      };
      beat();
    });

describe("an accepted heartbeat", () => {
  it("moves the heartbeat deadline on, by the timeout there was on receipt", async () => {
    const run = started(beating(4 * MINUTE_MS, 16 * MINUTE_MS));
    await run.clock.advance(16 * MINUTE_MS);
    expect(await run.result).toMatchObject({ outcome: { status: "succeeded" } });
  });

  it("moves the lease to where the answer has it", async () => {
    const answer = (_: Heartbeat, clock: FakeClock) => ({
      ...GO_ON,
      leaseExpiresAt: new Date(clock.now() + 30 * MINUTE_MS),
    });
    const run = started(beating(20 * MINUTE_MS, 80 * MINUTE_MS), { answer, changes: { deadlines: ONLY_LEASE } });
    await run.clock.advance(80 * MINUTE_MS);
    expect(run.context().info.lease.expiresAt).toEqual(new Date(NOON + 110 * MINUTE_MS));
    expect(await run.result).toMatchObject({ outcome: { status: "succeeded" } });
  });

  it("shows in info and remainingMs", async () => {
    const run = started((context) => {
      context.heartbeat();
      return never();
    });
    await run.clock.advance(0);
    expect(run.context().info.deadlines.heartbeat).toEqual(new Date(NOON + 10 * MINUTE_MS));
    await run.clock.advance(3 * MINUTE_MS);
    run.context().heartbeat();
    await run.clock.advance(MINUTE_MS);
    expect(run.context().info.deadlines.heartbeat).toEqual(new Date(NOON + 13 * MINUTE_MS));
    expect(run.context().remainingMs()).toBe(9 * MINUTE_MS);
  });

  it("moves it by that timeout, though the arguments took most of it to be fetched", async () => {
    const clock = new FakeClock();
    const { blob } = payloadEnvelope([]);
    let fetched: () => void = () => {};
    const slow: ExternalStorageDriver = {
      scheme: "file",
      get: () => new Promise((resolve) => (fetched = () => resolve(new TextEncoder().encode(blob)))),
      put: () => Promise.reject(new Error("nothing is stored")),
      delete: () => Promise.resolve(),
    };
    const sha256 = createHash("sha256").update(blob).digest("hex");
    const expiresAt = null;
    const reference = { uri: "file:///x", sha256, sizeBytes: blob.length, codec: "avro", expiresAt } as const;
    const activity = defineActivity({ run: (context) => beating(4 * MINUTE_MS, 8 * MINUTE_MS)(context, clock) });
    const heartbeat = heartbeats({ sender: { send: async () => GO_ON } });
    const options = { clock, heartbeat, externalStorage: externalStorage(slow) };
    const handler = new InvocableActivityHandler({ "lamps.dim": activity }, options);
    const payload = { codec: "avro", external_storage: serializeExternalPayloadReference(reference) };
    const result = handler.handle(activityTaskEnvelope({ payloads: { arguments: payload } }));
    await clock.advance(8 * MINUTE_MS);
    fetched();
    await expect.poll(() => clock.liveTimers).toBeGreaterThan(1);
    await clock.advance(8 * MINUTE_MS);
    expect(await result).toMatchObject({ outcome: { status: "succeeded" } });
  });

  it("moves neither start_to_close nor schedule_to_close", async () => {
    const answer = () => ({ ...GO_ON, leaseExpiresAt: new Date(NOON + 600 * MINUTE_MS) });
    const run = started(beating(MINUTE_MS, 60 * MINUTE_MS), { answer });
    await run.clock.advance(60 * MINUTE_MS);
    expect(await run.result).toMatchObject({
      failure: { classification: "deadline_exceeded", message: expect.stringContaining("deadlines.start_to_close") },
    });
  });
});

describe("without an accepted heartbeat", () => {
  it.each([
    ["none is made", () => never(), () => GO_ON],
    ["none gets through", beating(MINUTE_MS, 60 * MINUTE_MS), () => Promise.reject(new Error("no network"))],
    ["none is answered", beating(MINUTE_MS, 60 * MINUTE_MS), never],
  ])("the heartbeat deadline ends the run: %s", async (_, work, answer) => {
    const run = started(work, { answer });
    await run.clock.advance(10 * MINUTE_MS);
    expect(await run.result).toMatchObject({
      outcome: { retryable: true },
      failure: { classification: "deadline_exceeded", message: expect.stringContaining("deadlines.heartbeat") },
    });
  });

  it("a failing network does not fail the handler, and is logged", async () => {
    const run = started(beating(MINUTE_MS, 5 * MINUTE_MS), { answer: () => Promise.reject(new Error("no network")) });
    await run.clock.advance(5 * MINUTE_MS);
    expect(await run.result).toMatchObject({ outcome: { status: "succeeded" } });
    expect(
      run.logger.lines.some(({ level, message }) => level === "warn" && message.includes("heartbeat failed")),
    ).toBe(true);
  });
});

describe("an answer that the run must not go on", () => {
  it.each([
    [
      { cancelRequested: true, reason: "run_cancelled" },
      ActivityCancelled,
      "cancelled",
      false,
      "ActivityCancelled",
      /run_cancelled/,
    ],
    [
      { cancelRequested: false, reason: "attempt_closed" },
      AttemptClosed,
      "application_error",
      true,
      "AttemptClosed",
      /attempt_closed/,
    ],
    [
      { cancelRequested: false, reason: undefined },
      AttemptClosed,
      "application_error",
      true,
      "AttemptClosed",
      /attempt_closed/,
    ],
  ] as const)(
    "aborts the signal with a typed reason: %j",
    async (said, error, classification, retryable, type, message) => {
      const answer = () => ({ ...GO_ON, ...said, canContinue: false });
      let reason: unknown;
      const run = started(
        (context) =>
          new Promise((_, reject) => {
            context.signal.addEventListener("abort", () => {
              reason = context.signal.reason;
              reject(reason as Error);
            });
            context.heartbeat();
          }),
        { answer },
      );
      expect(await run.result).toMatchObject({
        outcome: { retryable },
        failure: { classification, type, message: expect.stringMatching(message) },
      });
      expect(reason).toBeInstanceOf(error);
    },
  );
});

describe("after the answer", () => {
  it("nothing is sent, and nothing is left", async () => {
    const run = started((context) => {
      context.heartbeat({ current: 1 });
      context.heartbeat({ current: 2 });
      return Promise.resolve("done");
    });
    await run.result;
    run.context().heartbeat({ current: 3 });
    await run.clock.advance(MINUTE_MS);
    expect(run.sent.map(({ progress }) => progress)).toEqual([{ current: 1 }]);
    expect(run.clock.liveTimers).toBe(0);
  });

  it("at a deadline nothing is sent either", async () => {
    const run = started(beating(MINUTE_MS, 600 * MINUTE_MS), { answer: () => Promise.reject(new Error("no network")) });
    await run.clock.advance(10 * MINUTE_MS);
    await run.result;
    const before = run.sent.length;
    await run.clock.advance(30 * MINUTE_MS);
    expect(run.sent).toHaveLength(before);
  });
});

describe("automatic heartbeats", () => {
  const automatic = true;

  it("keep a silent handler's run alive", async () => {
    const run = started((_, clock) => new Promise((resolve) => clock.schedule(15 * MINUTE_MS, () => resolve(1))), {
      automatic,
    });
    await run.clock.advance(15 * MINUTE_MS);
    expect(await run.result).toMatchObject({ outcome: { status: "succeeded" } });
    expect(run.sent.length).toBeGreaterThan(3);
    expect(run.clock.liveTimers).toBe(0);
  });

  it("are not sent where the caller renews the lease", async () => {
    const changes = { lease: { renewed_by: "dispatcher-1" } };
    const run = started((_, clock) => new Promise((resolve) => clock.schedule(15 * MINUTE_MS, () => resolve(1))), {
      automatic,
      changes,
    });
    await run.clock.advance(15 * MINUTE_MS);
    expect(await run.result).toMatchObject({ outcome: { status: "succeeded" } });
    expect(run.sent).toEqual([]);
  });

  it("need a sender", () => {
    expect(() => heartbeats({ automatic } as never)).toThrow(/^sender must be an object with the method send/);
    expect(() => heartbeats({ sender: { send: () => never() }, automatic: 1 } as never)).toThrow(/^automatic must be/);
  });
});

describe("the option heartbeat", () => {
  let engine: Loopback;
  const requests: { url: string | undefined; authorization: string | undefined; body: unknown }[] = [];

  beforeAll(async () => {
    const server = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on("end", () => {
        requests.push({ url: request.url, authorization: request.headers.authorization, body: JSON.parse(text) });
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ can_continue: false, cancel_requested: true, reason: "run_cancelled" }));
      });
    });
    engine = await listen(server);
  });
  afterAll(() => engine.close());

  it("takes the engine's address and a worker's token", async () => {
    const activity = defineActivity({
      run: (context) => {
        context.heartbeat({ current: 5, total: 10, unit: "rows", details: { file: "a.csv", nested: { at: 1 } } });
        return never();
      },
    });
    const heartbeat = engineHeartbeats({ serverUrl: engine.url, token: () => "worker-token", namespace: "billing" });
    const handler = new InvocableActivityHandler({ "lamps.dim": activity }, { heartbeat });
    expect(await handler.handle(activityTaskEnvelope())).toMatchObject({
      failure: { classification: "cancelled", cancelled: true },
    });
    expect(requests).toEqual([
      {
        url: "/api/worker/activity-tasks/task-lamp-7/heartbeat",
        authorization: "Bearer worker-token",
        body: {
          activity_attempt_id: "attempt-lamp-7-b",
          lease_owner: "carrier-cellar",
          current: 5,
          total: 10,
          unit: "rows",
          details: { file: "a.csv", nested: '{"at":1}' },
        },
      },
    ]);
  });

  it.each([[null], [{}], [{ serverUrl: "ftp://engine", token: "t" }], [{ serverUrl: "https://engine", token: "" }]])(
    "is refused when it is %j",
    (heartbeat) => {
      expect(() => engineHeartbeats(heartbeat as never)).toThrow(TypeError);
      expect(() => new InvocableActivityHandler({}, { heartbeat: heartbeat as never })).toThrow(
        "heartbeat must be what engineHeartbeats(...) makes",
      );
    },
  );
});
