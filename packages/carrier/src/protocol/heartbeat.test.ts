import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { heartbeatReason, heartbeatRequest, parseHeartbeatAnswer } from "./heartbeat.js";

const GO_ON = { can_continue: true, cancel_requested: false, reason: null, lease_expires_at: null };

describe("heartbeatRequest", () => {
  const owner = { attemptId: "attempt-lamp-7-b", leaseOwner: "carrier-cellar" };
  const identity = { activity_attempt_id: "attempt-lamp-7-b", lease_owner: "carrier-cellar" };

  it("is the identity alone without progress", () => {
    expect(heartbeatRequest(owner)).toEqual(identity);
  });

  it("holds the progress beside the identity", () => {
    const progress = { message: "dimming", current: 2, total: 7, unit: "lamps", details: { room: "cellar" } };
    expect(heartbeatRequest(owner, progress)).toEqual({ ...identity, ...progress });
  });

  it("makes the progress fit", () => {
    const progress = { message: "", current: -1, total: 7, details: { lamps: [1, 2] } };
    expect(heartbeatRequest(owner, progress)).toEqual({ ...identity, total: 7, details: { lamps: "[1,2]" } });
  });

  it("lets no progress change the identity", () => {
    const progress = { lease_owner: "somebody", activity_attempt_id: "another" } as object;
    expect(heartbeatRequest(owner, progress)).toEqual(identity);
  });
});

describe("parseHeartbeatAnswer", () => {
  it.each([
    [GO_ON, { canContinue: true, cancelRequested: false, reason: undefined, leaseExpiresAt: undefined }],
    [
      { ...GO_ON, lease_expires_at: "2999-06-01T12:35:00.250833Z", heartbeat_recorded: true, new_field: {} },
      { canContinue: true, cancelRequested: false, leaseExpiresAt: new Date("2999-06-01T12:35:00.250Z") },
    ],
    [{ can_continue: true }, { canContinue: true, cancelRequested: false, reason: undefined }],
    [
      { can_continue: false, cancel_requested: true, reason: "run_cancelled" },
      { canContinue: false, cancelRequested: true, reason: "run_cancelled" },
    ],
    [
      { can_continue: true, cancel_requested: true },
      { canContinue: true, cancelRequested: true },
    ],
    // known fields of another type
    [
      { can_continue: false, cancel_requested: 1, reason: 7, lease_expires_at: 1_764_000_000 },
      { canContinue: false, cancelRequested: false, reason: undefined, leaseExpiresAt: undefined },
    ],
    [
      { ...GO_ON, lease_expires_at: "soon" },
      { canContinue: true, leaseExpiresAt: undefined },
    ],
  ])("reads the 200 %j", (body, expected) => {
    expect(parseHeartbeatAnswer(200, body)).toMatchObject(expected);
  });

  it.each([
    [undefined],
    [null],
    ["true"],
    [true],
    [[GO_ON]],
    [{}],
    [{ can_continue: null }],
    [{ can_continue: "true" }],
    [{ can_continue: 1 }],
    [{ reason: "task_not_found" }],
  ])("finds no answer in the 200 %j", (body) => {
    expect(parseHeartbeatAnswer(200, body)).toBeUndefined();
  });

  it.each([
    [404, { reason: "task_not_found" }, "task_not_found"],
    [404, { reason: "attempt_not_found" }, "attempt_not_found"],
    [409, { reason: "task_mismatch" }, "task_mismatch"],
    [409, { reason: "lease_owner_mismatch", lease_owner: "another" }, "lease_owner_mismatch"],
    [409, { reason: "session_closed", can_continue: false }, "session_closed"],
    // what is refused cannot go on, whatever else is said
    [409, { reason: "task_mismatch", can_continue: true }, "task_mismatch"],
  ])("reads a %d with %j as the end of the attempt", (status, body, reason) => {
    expect(parseHeartbeatAnswer(status, body)).toEqual({
      canContinue: false,
      cancelRequested: false,
      reason,
      leaseExpiresAt: undefined,
    });
  });

  it("reads a refusal that tells of a cancellation as one", () => {
    const body = { can_continue: false, cancel_requested: true, reason: "run_cancelled" };
    expect(parseHeartbeatAnswer(409, body)).toMatchObject({ canContinue: false, cancelRequested: true });
  });

  it.each([
    [404, { reason: "not_found" }],
    [404, { reason: "namespace_not_found" }],
    [404, { can_continue: true }],
    [409, { reason: "worker_draining" }],
    [409, {}],
    [400, { reason: "task_not_found" }],
    [403, { can_continue: false }],
    [500, { can_continue: false }],
    [503, GO_ON],
    [201, GO_ON],
    [302, GO_ON],
  ])("finds no answer in a %d with %j", (status, body) => {
    expect(parseHeartbeatAnswer(status, body)).toBeUndefined();
  });

  it("reads whatever JSON there is without throwing, and believes in no true that is not there", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 599 }), fc.jsonValue(), (status, body) => {
        const answer = parseHeartbeatAnswer(status, body);
        if (answer?.canContinue === true) expect(body).toMatchObject({ can_continue: true });
      }),
    );
  });
});

describe("heartbeatReason", () => {
  it.each([
    [{ reason: "attempt_closed" }, "attempt_closed"],
    [{ reason: "a".repeat(64) }, "a".repeat(64)],
    [{ reason: "a".repeat(65) }, undefined],
    [{ reason: "" }, undefined],
    [{ reason: "two words" }, undefined],
    [{ reason: "line\nbreak" }, undefined],
    [{ reason: "attempt_closed\n" }, undefined],
    [{ reason: ["attempt_closed"] }, undefined],
    [{}, undefined],
    [[], undefined],
    [null, undefined],
    ["attempt_closed", undefined],
  ])("of %j is %s", (body, expected) => {
    expect(heartbeatReason(body)).toBe(expected);
  });
});
