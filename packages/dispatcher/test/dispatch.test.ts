import { decodePayload, payloadEnvelope } from "@durable-workflow/carrier/payload";
import { type ActivityTaskInput, parseExternalTaskInput } from "@durable-workflow/carrier/protocol";
import { PROTOCOL_VERSION } from "@durable-workflow/engine-protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { DispatcherOptions } from "../src/dispatch/options.js";
import { type Attempt, completes, type EngineOptions, type EngineUnderTest } from "./support/engine-under-test.js";
import { ENGINES } from "./support/engines.js";
import {
  DONE,
  type ForeignCarrier,
  type ForeignHandler,
  failureFor,
  startForeignCarrier,
} from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { endAfterEach } from "./support/scene.js";

let makeEngine: (options?: EngineOptions) => EngineUnderTest;
let engine: EngineUnderTest;
let carrier: ForeignCarrier;
let running: Running;

async function startAll(
  handle: ForeignHandler | undefined,
  options: DispatcherOptions = {},
  engineOptions: EngineOptions = {},
  carrierOptions: object = {},
): Promise<void> {
  engine = makeEngine(engineOptions);
  await engine.start();
  carrier = await startForeignCarrier(handle);
  running = await startDispatcher(engine, {
    config: oneCarrier(`${carrier.url}/activities`, ["lamps.dim", "lamps.count"], carrierOptions),
    ...options,
  });
}

endAfterEach(() => ({ engine, carrier, running }));

describe.each(ENGINES)("on $name,", ({ isReal, make }) => {
  beforeEach(() => {
    makeEngine = make;
  });

  describe("a task", () => {
    it("is leased, delivered as the contract wants it, and completed", async () => {
      await startAll(undefined);
      const args = { ...payloadEnvelope(["lamp-7", 3]) };
      const execution = await engine.schedule({ type: "lamps.dim", arguments: args, startToCloseMs: 60_000 });
      await engine.untilStatus(execution, "completed");
      expect(execution.outcomes).toHaveLength(1);
      expect(execution.outcomes[0]?.body).toMatchObject({ result: DONE });

      const [{ envelope, headers }] = carrier.received as [ForeignCarrier["received"][number]];
      const input = parseExternalTaskInput(envelope) as ActivityTaskInput;
      const [{ id: attemptId, taskId }] = execution.attempts as [Attempt];
      if (!isReal) {
        expect([execution.id, attemptId, taskId]).toEqual([
          "execution-000001",
          "ATTEMPT-execution-000001-1",
          "task-000001-1",
        ]);
      }
      expect(input.task).toMatchObject({
        id: taskId,
        attempt: 1,
        handler: "lamps.dim",
        activityAttemptId: attemptId,
        idempotencyKey: attemptId,
        taskQueue: "lamps",
      });
      expect(input.lease).toMatchObject({
        renewedBy: input.lease.owner,
        heartbeatEndpoint: `/api/worker/activity-tasks/${taskId}/heartbeat`,
      });
      expect(input.arguments).toEqual(args);
      expect(input.headers["activity_execution_id"]).toBe(execution.id);
      expect(input.headers["traceparent"]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      expect(headers).toMatchObject({
        "content-type": "application/vnd.durable-workflow.external-task-input+json",
        accept: "application/vnd.durable-workflow.external-task-result+json",
        "idempotency-key": attemptId,
      });
      await running.until(() => running.eventsOf("task_ended").length === 1);
      expect(running.eventsOf("task_ended")).toMatchObject([{ end: "completed", carrier: "web" }]);
    });

    it("registers types, runtime and slots", async () => {
      await startAll(undefined, { maxInFlight: 7, buildId: "b1" });
      await engine.until(() => engine.heldPolls > 0);
      expect(engine.callsOf("register").map(({ body }) => body)).toMatchObject([
        {
          task_queue: "lamps",
          runtime: "typescript",
          supported_activity_types: ["lamps.dim", "lamps.count"],
          max_concurrent_activity_tasks: 7,
          build_id: "b1",
        },
      ]);
      expect(running.dispatcher.health()).toMatchObject({ ready: true, protocolVersion: PROTOCOL_VERSION });
    });

    it("that fails is failed with details, and retried as a new task", async () => {
      await startAll((envelope, answer) => {
        const failure = { details: payloadEnvelope({ shelf: "B4" }), stack_trace: "at shelf" };
        answer.end(JSON.stringify(failureFor(envelope, failure, envelope["task"].attempt < 2)));
        return undefined;
      });
      const execution = await engine.schedule({ type: "lamps.dim", maxAttempts: 5 });
      await engine.untilStatus(execution, "failed");
      const failures = execution.outcomes.map(({ body }) => body["failure"] as Record<string, unknown>);
      expect(failures).toMatchObject([
        { type: "LampOffline", retryable: true, non_retryable: false, stack_trace: "at shelf" },
        { type: "LampOffline", retryable: false, non_retryable: true },
      ]);
      expect(decodePayload(failures[0]?.["details"])).toEqual({ shelf: "B4" });
      const taskIds = execution.attempts.map(({ taskId }) => taskId);
      expect(new Set(taskIds).size).toBe(2);
      if (!isReal) expect(taskIds).toEqual(["task-000001-1", "task-000001-2"]);
    });

    it("with an answer that is no result fails for good, with a preview", async () => {
      await startAll((_, answer) => {
        answer.writeHead(410, { "content-type": "text/html" }).end("<h1>No such page</h1>");
        return undefined;
      });
      const execution = await engine.schedule({ type: "lamps.dim", maxAttempts: 5 });
      await engine.untilStatus(execution, "failed");
      const failure = execution.outcomes[0]?.body["failure"] as Record<string, unknown>;
      expect(failure).toMatchObject({ kind: "malformed_output", malformed_output: true, non_retryable: true });
      expect(failure["message"]).toContain("answered 410 without a result for this task");
      expect(decodePayload(failure["details"])).toEqual({ status: 410, preview: "<h1>No such page</h1>" });
    });

    it("for a carrier that is not there, and is not waited for, fails so that it is retried, after the policy's tries", async () => {
      const policy = { retry_policy: { max_attempts: 3, backoff_seconds: [0] } };
      await startAll(undefined, { holdUnreachableMs: 0 }, {}, policy);
      await carrier.close();
      const execution = await engine.schedule({ type: "lamps.dim" });
      await engine.untilStatus(execution, "failed");
      expect(execution.outcomes[0]?.body["failure"]).toMatchObject({
        type: "CarrierUnreachable",
        message: "The carrier web gave no answer in 3 tries: ECONNREFUSED.",
        retryable: true,
        details: null,
      });
      expect(running.eventsOf("delivery_retried")).toHaveLength(2);
    });

    it("is tried again for the status codes of the policy, and for those alone", async () => {
      let calls = 0;
      await startAll(
        (_, answer) => {
          calls++;
          if (calls > 2) return DONE;
          answer.writeHead(calls === 1 ? 429 : 503).end("later");
          return undefined;
        },
        {},
        {},
        { retry_policy: { max_attempts: 5, retryable_status_codes: [429] } },
      );
      const execution = await engine.schedule({ type: "lamps.dim" });
      await engine.untilStatus(execution, "failed");
      expect(calls).toBe(2);
    });

    it("that gets no answer in the carrier's time fails as a timeout, and the carrier sees its client go", async () => {
      let gone = 0;
      await startAll(
        (_, answer) => {
          answer.once("close", () => gone++);
          return undefined;
        },
        {},
        {},
        { timeout_seconds: 1 },
      );
      const execution = await engine.schedule({ type: "lamps.dim", startToCloseMs: 60_000 });
      await engine.untilStatus(execution, "failed");
      expect(execution.outcomes[0]?.body["failure"]).toMatchObject({
        type: "CarrierTimeout",
        kind: "timeout",
        timeout_type: "deadline_exceeded",
        retryable: true,
      });
      await running.until(() => gone === 1);
    });
  });

  describe("the lease", () => {
    it("is kept at a third of what is left, by heartbeats or where the engine has them by renewals", async () => {
      let finish: ((value: unknown) => void) | undefined;
      await startAll(
        () =>
          new Promise((resolve) => {
            finish = resolve;
          }),
        {},
        { leaseMs: 2_400 },
      );
      const execution = await engine.schedule({ type: "lamps.dim" });
      await engine.until(() => execution.heartbeats >= 3);
      finish?.(DONE);
      await engine.untilStatus(execution, "completed");
      expect(execution.attempts).toHaveLength(1);
    });

    it("is kept by the heartbeat timeout where that is shorter", async () => {
      let finish: ((value: unknown) => void) | undefined;
      await startAll(
        () =>
          new Promise((resolve) => {
            finish = resolve;
          }),
      );
      const execution = await engine.schedule({ type: "lamps.dim", heartbeatTimeoutMs: 2_000 });
      await engine.until(() => execution.heartbeats >= 4);
      finish?.(DONE);
      await engine.untilStatus(execution, "completed");
    });

    it("ends with a cancelled run: the carrier sees its client go, and nothing is reported", async () => {
      let gone = 0;
      await startAll(
        (_, answer) => {
          answer.once("close", () => gone++);
          return undefined;
        },
        {},
        { leaseMs: 2_000 },
      );
      const execution = await engine.schedule({ type: "lamps.dim" });
      await running.until(() => carrier.received.length === 1);
      await engine.cancel(execution);
      await running.until(() => gone === 1);
      await running.until(() => running.eventsOf("task_ended").length === 1);
      expect(running.eventsOf("task_ended")).toMatchObject([{ end: "cancelled", detail: "run_cancelled" }]);
      await engine.refresh();
      expect(execution.outcomes).toEqual([]);
      expect(execution.status).toBe("cancelled");
      expect(engine.callsOf("fail")).toEqual([]);
    });

    it("that is lost stops delivery and reports nothing", async () => {
      let gone = 0;
      const handle: ForeignHandler = (envelope, answer) => {
        if (envelope["task"].attempt > 1) return DONE;
        answer.once("close", () => gone++);
        return undefined;
      };
      await startAll(handle, {}, { leaseMs: 1_500 });
      // No heartbeat of the first attempt gets through.
      engine.interfere = ({ verb, body }) =>
        ["heartbeat", "renew-lease"].includes(verb) &&
        body["activity_attempt_id"] === carrier.received[0]?.envelope["task"].activity_attempt_id
          ? { status: 500, body: '{"message":"Server Error"}' }
          : undefined;
      const execution = await engine.schedule({ type: "lamps.dim" });
      await engine.untilStatus(execution, "completed");
      await running.until(() => running.eventsOf("task_ended").length === 2);
      const ends = running.eventsOf("task_ended").map(({ task, end }) => `${task.attempt} ${end}`);
      expect(ends.toSorted()).toEqual(["1 lost", "2 completed"]);
      await running.until(() => gone === 1);
      expect(execution.outcomes.map(({ attempt }) => attempt)).toEqual([2]);
    });
  });

  describe("reports", () => {
    beforeEach(() => startAll(undefined));

    it("are repeated through an outage", async () => {
      let failures = 3;
      engine.interfere = ({ verb }) =>
        verb === "complete" && failures-- > 0
          ? { status: 503, body: "<h1>Service unavailable</h1>", headers: { "retry-after": "0" } }
          : undefined;
      const execution = await engine.schedule({ type: "lamps.dim" });
      await engine.untilStatus(execution, "completed");
      expect(running.eventsOf("report_retried")).toHaveLength(3);
      expect(carrier.received).toHaveLength(1);
    });

    it("whose answer was lost count as reported when the attempt is closed", async () => {
      // Delivered and recorded, but the answer is a proxy's page: the repeat is told that the attempt is stale.
      engine.interfere = ({ verb }) =>
        verb === "complete" && engine.callsOf("complete").length === 1
          ? { status: 502, body: "<h1>Bad gateway</h1>", acts: true }
          : undefined;
      const execution = await completes(engine, { type: "lamps.dim" });
      await running.until(() => running.eventsOf("task_ended").length === 1);
      expect(running.eventsOf("task_ended")).toMatchObject([{ end: "completed" }]);
      expect(engine.callsOf("complete")).toHaveLength(2);
      expect(execution.outcomes).toHaveLength(1);
    });

    it("that the engine does not take become a failure that says so", async () => {
      engine.interfere = ({ verb }) =>
        verb === "complete"
          ? { status: 413, body: '{"message":"Request payload exceeds the maximum","reason":"payload_too_large"}' }
          : undefined;
      const execution = await engine.schedule({ type: "lamps.dim", maxAttempts: 3 });
      await engine.untilStatus(execution, "failed");
      expect(execution.outcomes[0]?.body["failure"]).toMatchObject({ type: "ReportRejected", non_retryable: true });
    });
  });

  describe("the engine", () => {
    it("is registered with again when it forgot", async () => {
      await startAll(undefined);
      await engine.until(() => engine.heldPolls > 0);
      await engine.forgetWorkers();
      await completes(engine, { type: "lamps.dim" });
      await engine.until(async () => (await engine.workerIds()).length === 1);
      expect(running.eventsOf("registration_lost").length).toBeGreaterThan(0);
    });

    it.each([-7_200_000, 7_200_000])("whose clock is %s ms off is believed about its own leases", async (skewMs) => {
      await startAll(undefined, {}, { skewMs });
      await completes(engine, { type: "lamps.dim", startToCloseMs: 30_000 });
      expect(Math.abs(running.dispatcher.health().clockSkewMs - skewMs)).toBeLessThan(2_000);
    });

    it.each([
      [429, '{"reason":"long_poll_capacity_exhausted","task":null,"retry_after_seconds":0}'],
      [503, '{"reason":"backend_lock_pressure","task":null}'],
      [500, '{"message":"Server Error"}'],
      [502, "<html>Bad gateway</html>"],
      [200, '{"task": {"task_id": "cut o'],
    ])("that answers a poll with %s %s is polled again", async (status, body) => {
      let left = 2;
      await startAll(undefined);
      engine.interfere = ({ verb }) =>
        verb === "poll" && left-- > 0 ? { status, body, headers: { "retry-after": "0" } } : undefined;
      await completes(engine, { type: "lamps.dim" });
    });

    it("is waited for when it is not there, and readiness says so", async () => {
      engine = makeEngine();
      const url = await engine.start();
      // Before the engine's port is free for others.
      carrier = await startForeignCarrier();
      await engine.stop();
      running = await startDispatcher(engine, {
        connection: { serverUrl: url, token: "engine-t0ken" },
        config: oneCarrier(carrier.url, ["lamps.dim"]),
      });
      await running.until(() => running.eventsOf("engine_unavailable").length > 0);
      expect(running.dispatcher.health()).toMatchObject({ ready: false, live: true });
    });

    it("that refuses the token is asked again, and readiness says so", async () => {
      await startAll(undefined, {}, { token: "another" });
      await running.until(() => running.eventsOf("engine_refused").length > 0);
      expect(running.eventsOf("engine_refused")[0]).toMatchObject({ status: 401, reason: "unauthorized" });
      expect(running.dispatcher.health().ready).toBe(false);
    });
  });
});
