import { describe, expect, it } from "vitest";
import { readDeregisterOutcome, readFencedDeregisterOutcome, readRegisterOutcome } from "./registrations.js";
import type { EngineReply } from "./reply.js";

const TOKEN = "0123456789abcdef0123456789abcdef";
const reply = (status: number, body: Record<string, unknown> = {}): EngineReply => ({
  kind: "reply",
  status,
  body,
  reason: typeof body["reason"] === "string" ? body["reason"] : null,
  message: "said",
  retryAfterMs: undefined,
});

describe("a registration", () => {
  it.each([
    [{ worker_id: "w", registration_token: TOKEN, heartbeat_interval_seconds: 10 }, TOKEN, 10_000],
    [{ worker_id: "w", registration_token: TOKEN.toUpperCase() }, null, null],
    [{ worker_id: "another", registration_token: TOKEN }, null, null],
    [{ worker_id: "w", registration_token: 7, heartbeat_interval_seconds: 0 }, null, null],
    [{ heartbeat_interval_seconds: 3_601 }, null, null],
    [{ heartbeat_interval_seconds: "10" }, null, null],
    [{}, null, null],
  ])("is read: %j", (body, token, heartbeatMs) => {
    expect(readRegisterOutcome(reply(201, body), "w")).toEqual({ kind: "registered", token, heartbeatMs });
  });
});

const ours = { worker_id: "w", registration_token: TOKEN };
const receipt = { ...ours, outcome: "deregistered", recovered_workflow_task_count: 0 };
const unknown = {
  ...ours,
  reason: "backend_lock_pressure",
  operation: "deregister_worker",
  outcome: "unknown",
  retryable: true,
  retry_after_seconds: 2,
};

describe("the end of a registration by token", () => {
  it("has a receipt that names it", () => {
    expect(readFencedDeregisterOutcome(reply(200, receipt), "w", TOKEN)).toEqual({ kind: "deregistered" });
  });

  it.each([
    { ...receipt, worker_id: "another" },
    { ...receipt, registration_token: "f".repeat(32) },
    { ...receipt, outcome: "unknown" },
    { ...receipt, recovered_workflow_task_count: -1 },
    {},
  ])("has no other receipt: %j", (body) => {
    expect(readFencedDeregisterOutcome(reply(200, body), "w", TOKEN)).toMatchObject({ kind: "refused" });
  });

  it("is asked for again where the engine does not know, after what it says", () => {
    const expected = { kind: "unknown", retryAfterMs: 2_000 };
    expect(readFencedDeregisterOutcome(reply(503, unknown), "w", TOKEN)).toMatchObject(expected);
    const broken = { kind: "broken", why: "timeout", status: null, retryAfterMs: undefined } as const;
    expect(readFencedDeregisterOutcome(broken, "w", TOKEN)).toMatchObject({ kind: "unknown", retryAfterMs: null });
  });

  it.each([
    [503, { ...unknown, reason: "storage_pressure" }],
    [503, { ...unknown, operation: "register_worker" }],
    [503, { ...unknown, outcome: "deregistered" }],
    [503, { ...unknown, registration_token: "f".repeat(32) }],
    [503, { ...unknown, retryable: false }],
    [503, { ...unknown, retry_after_seconds: 61 }],
    [404, { reason: "worker_registration_token_not_found" }],
    [409, { reason: "worker_registration_lost_authority" }],
    [410, { reason: "worker_registration_receipt_expired" }],
    [412, { reason: "worker_registration_transaction_boundary_unavailable" }],
    [422, {}],
  ])("is not asked for again: %i %j", (status, body) => {
    expect(readFencedDeregisterOutcome(reply(status, body), "w", TOKEN)).toMatchObject({ kind: "refused", status });
  });
});

it.each([
  [200, null, "deregistered"],
  [404, "worker_not_found", "deregistered"],
  [404, null, "no_route"],
  [405, null, "no_route"],
  [404, "namespace_not_found", "refused"],
  [500, null, "refused"],
])("the end of a registration without a token: %i %s", (status, reason, kind) => {
  expect(readDeregisterOutcome(reply(status, { reason }))).toMatchObject({ kind });
});
