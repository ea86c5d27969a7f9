import { beforeAll, describe, expect, expectTypeOf, it, vi } from "vitest";
import { activityTaskEnvelope } from "../../test/support/envelopes.js";
import { angryProxy, revokedProxy } from "../../test/support/hostile.js";
import * as here from "./errors.js";
import { handleInvocableActivity } from "./handler.js";

let copy: typeof here;

beforeAll(async () => {
  vi.resetModules();
  copy = await import("./errors.js");
  expect(copy.ActivityFailure).not.toBe(here.ActivityFailure);
});

describe("errors of another copy of this library", () => {
  const FAILED = { classification: "application_error", kind: "application", cancelled: false };

  it.each([
    [
      "ActivityFailure",
      () => new copy.ActivityFailure("m", { type: "GatewayDown", details: { gateway: "eu-1" } }),
      { ...FAILED, type: "GatewayDown", details: { codec: "avro" } },
      true,
    ],
    [
      "ActivityFailure, not to be retried",
      () => new copy.ActivityFailure("m", { retryable: false }),
      { ...FAILED, type: "ActivityFailure" },
      false,
    ],
    ["NonRetryableError", () => new copy.NonRetryableError("m"), { ...FAILED, type: "NonRetryableError" }, false],
    [
      "ActivityCancelled",
      () => new copy.ActivityCancelled("m"),
      { classification: "cancelled", kind: "cancellation", cancelled: true, type: "ActivityCancelled" },
      false,
    ],
  ])("are understood when thrown: %s", async (_, make, failure, retryable) => {
    const result = await handleInvocableActivity(activityTaskEnvelope(), {
      "lamps.dim": () => {
        throw make();
      },
    });
    expect(result).toMatchObject({ outcome: { status: "failed", retryable }, failure: { message: "m", ...failure } });
  });

  it("are understood as the reason of an aborted signal", async () => {
    const cancelled = await handleInvocableActivity(
      activityTaskEnvelope(),
      { "lamps.dim": () => 1 },
      {
        signal: AbortSignal.abort(new copy.ActivityCancelled("m")),
      },
    );
    expect(cancelled).toMatchObject({ failure: { classification: "cancelled", cancelled: true } });

    const expired = await handleInvocableActivity(
      activityTaskEnvelope(),
      { "lamps.dim": () => 1 },
      {
        signal: AbortSignal.abort(
          new copy.ExternalTaskDeadlineExceeded("platform_limit", "2999-06-01T12:00:00Z", "soon"),
        ),
      },
    );
    expect(expired).toMatchObject({
      outcome: { retryable: true },
      failure: { classification: "deadline_exceeded", type: "ExternalTaskDeadlineExceeded" },
    });
  });
});

/** One of each. */
function errorsOf(from: typeof here) {
  return {
    failure: new from.ActivityFailure("m"),
    final: new from.ActivityFailure("m", { retryable: false }),
    nonRetryable: new from.NonRetryableError("m"),
    cancelled: new from.ActivityCancelled(),
    expired: new from.ExternalTaskDeadlineExceeded("lease.expires_at", "2999-06-01T12:00:00Z", "here"),
    disconnected: new from.CallerDisconnected(),
    closed: new from.AttemptClosed("attempt_closed"),
    shutdown: new from.CarrierShutdown(),
  };
}

describe("telling errors apart", () => {
  const others: readonly unknown[] = [
    new Error("m"),
    null,
    undefined,
    "ActivityCancelled",
    { name: "ActivityCancelled" },
    Object.assign(new Error("m"), { name: "NonRetryableError", retryable: false }),
    () => {},
    angryProxy(),
    revokedProxy(),
  ];

  it.each([
    ["isActivityFailure", here.isActivityFailure, ["failure", "final", "nonRetryable"]],
    ["isNonRetryable", here.isNonRetryable, ["final", "nonRetryable"]],
    ["isActivityCancelled", here.isActivityCancelled, ["cancelled"]],
    ["isExternalTaskDeadlineExceeded", here.isExternalTaskDeadlineExceeded, ["expired"]],
    ["isCallerDisconnected", here.isCallerDisconnected, ["disconnected"]],
    ["isAttemptClosed", here.isAttemptClosed, ["closed"]],
    ["isCarrierShutdown", here.isCarrierShutdown, ["shutdown"]],
  ] as const)("%s", (_, is, expected) => {
    for (const from of [here, copy]) {
      const found = Object.entries(errorsOf(from)).filter(([, error]) => is(error));
      expect(found.map(([name]) => name)).toEqual(expected);
    }
    for (const other of others) expect(is(other)).toBe(false);
  });

  it("leaves nothing of the carrier's own reasons once each is asked for", () => {
    const rest = (reason: here.ActivityAbortReason) => {
      if (here.isExternalTaskDeadlineExceeded(reason) || here.isCallerDisconnected(reason)) return;
      if (here.isAttemptClosed(reason) || here.isCarrierShutdown(reason)) return;
      expectTypeOf(reason).toEqualTypeOf<here.ActivityCancelled>();
    };
    rest(new here.ActivityCancelled());
  });

  it.each(Object.entries(errorsOf(here)))("%s is an error with a name, a message and a stack", (_, error) => {
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(error.constructor.name);
    expect(error.message).not.toBe("");
    expect(error.stack).toContain(error.message);
    expect(JSON.stringify(error)).not.toContain("brand");
  });
});
