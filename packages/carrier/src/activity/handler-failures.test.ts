import { describe, expect, it } from "vitest";
import { activityTaskEnvelope } from "../../test/support/envelopes.js";
import { angryProxy, revokedProxy, withAngryGetters } from "../../test/support/hostile.js";
import { detailsOf } from "../../test/support/run-activity.js";
import { avroDouble, PayloadError } from "../payload/index.js";
import { ExternalTaskInputError, type InvocableResultEnvelope } from "../protocol/index.js";
import { ActivityCancelled, ActivityFailure, ExternalTaskDeadlineExceeded, NonRetryableError } from "./errors.js";
import { handleInvocableActivity, type InvocableActivityHandlerOptions } from "./handler.js";

function returning(make: () => unknown, options?: InvocableActivityHandlerOptions): Promise<InvocableResultEnvelope> {
  return handleInvocableActivity(activityTaskEnvelope(), { "lamps.dim": make }, options);
}

function throwing(make: () => unknown, options?: InvocableActivityHandlerOptions): Promise<InvocableResultEnvelope> {
  return returning(() => {
    throw make();
  }, options);
}

function rejecting(make: () => unknown, options?: InvocableActivityHandlerOptions): Promise<InvocableResultEnvelope> {
  return returning(async () => {
    await Promise.resolve();
    throw make();
  }, options);
}

const APPLICATION = {
  kind: "application",
  classification: "application_error",
  timeout_type: null,
  cancelled: false,
};

describe("what a handler throws", () => {
  it.each([
    ["an error", () => new Error("no"), { type: "Error", message: "no" }, true],
    ["its own TypeError, as fetch does", () => new TypeError("fetch failed"), { type: "TypeError" }, true],
    ["a RangeError", () => new RangeError("too far"), { type: "RangeError" }, true],
    ["a payload error of its own", () => new PayloadError("integer_overflow", "x"), { type: "PayloadError" }, true],
    ["an input error of its own", inputError, { type: "ExternalTaskInputError" }, true],
    ["a deadline error of its own", deadlineError, { type: "ExternalTaskDeadlineExceeded" }, true],
    ["an AbortError", () => new DOMException("aborted", "AbortError"), { type: "AbortError" }, true],
    ["a TimeoutError", () => new DOMException("slow", "TimeoutError"), { type: "TimeoutError" }, true],
    ["text", () => "no", { type: null, message: "no" }, true],
    ["nothing", () => undefined, { type: null, message: expect.stringContaining("without a message") }, true],
    ["null", () => null, { type: null, message: expect.stringContaining("without a message") }, true],
    ["a number", () => 0, { type: null, message: "0 was thrown without a message." }, true],
    ["a frozen object", () => Object.freeze({ message: "cold" }), { type: null, message: "cold" }, true],
    ["a proxy that throws", angryProxy, { type: null }, true],
    ["a revoked proxy", revokedProxy, { type: null }, true],
    ["an error whose message throws", () => withAngryGetters(new Error("m"), "message"), { type: "Error" }, true],
    ["a failure", () => new ActivityFailure("m", { type: "T" }), { type: "T", message: "m" }, true],
    ["a final failure", () => new ActivityFailure("m", { retryable: false }), { type: "ActivityFailure" }, false],
    ["a non-retryable error", () => new NonRetryableError("m"), { type: "NonRetryableError" }, false],
  ])("is an application failure: %s", async (_, make, expected, retryable) => {
    for (const result of await Promise.all([throwing(make), rejecting(make)])) {
      expect(result).toMatchObject({ outcome: { retryable }, failure: { ...APPLICATION, ...expected } });
      expect("failure" in result && result.failure.message).not.toBe("");
    }
  });

  it("is a cancellation when it says so", async () => {
    for (const result of await Promise.all([
      throwing(() => new ActivityCancelled("stopped")),
      rejecting(() => new ActivityCancelled("stopped")),
    ])) {
      expect(result).toMatchObject({
        outcome: { status: "failed", retryable: false, recorded: true },
        failure: {
          kind: "cancellation",
          classification: "cancelled",
          type: "ActivityCancelled",
          message: "stopped",
          timeout_type: null,
          cancelled: true,
          details: null,
        },
      });
    }
  });

  it("is cut where it is huge, and mended where it is no text for JSON", async () => {
    const result = await throwing(() => Object.assign(new Error("m".repeat(1_000_000)), { name: "\ud800" }));
    expect(JSON.stringify(result).length).toBeLessThan(100_000);
    expect(result).toMatchObject({ failure: { type: "\ufffd" } });
  });

  it("keeps nothing of `this` error but what the contract has room for", async () => {
    const result = await throwing(() => Object.assign(new Error("no"), { password: "hunter2", request: { a: 1 } }));
    expect(JSON.stringify(result)).not.toContain("hunter2");
    expect(result).toMatchObject({ failure: { details: null } });
  });
});

describe("stack traces", () => {
  it("are there by default, causes included", async () => {
    const result = await throwing(errorWithCause);
    const trace = "failure" in result ? result.failure.stack_trace : null;
    expect(trace).toMatch(/^Error: top\n {4}at .*handler-failures/);
    expect(trace).toContain("\nCaused by: TypeError: root\n    at ");
  });

  it.each([
    ["an error", errorWithCause],
    ["a cancellation", () => new ActivityCancelled()],
    ["a failure", () => new NonRetryableError("m", { cause: new Error("root") })],
  ])("are left out when they are not wanted: %s", async (_, thrown) => {
    const result = await throwing(thrown, { stackTraces: false });
    expect(result).toMatchObject({ failure: { stack_trace: null } });
    expect(JSON.stringify(result)).not.toContain(".ts:");
  });

  it("are null for what has none", async () => {
    expect(await throwing(() => "text")).toMatchObject({ failure: { stack_trace: null } });
  });
});

describe("the details of a failure", () => {
  it.each([
    ["a map", { limit: 7, share: avroDouble(1) }, { limit: 7, share: 1 }],
    ["null", null, null],
    ["text", "why", "why"],
    ["zero", 0, 0],
    ["a list", [1, "two", Uint8Array.of(3)], [1, "two", Uint8Array.of(3)]],
    ["inherited names", JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}')],
  ])("are a payload of their own: %s", async (_, details, decoded) => {
    const result = await throwing(() => new ActivityFailure("m", { details }));
    expect(result).toMatchObject({ failure: { details: { codec: "avro", blob: expect.any(String) } } });
    expect(detailsOf(result)).toEqual(decoded);
  });

  it("are null where there are none", async () => {
    expect(await throwing(() => new ActivityFailure("m"))).toMatchObject({ failure: { details: null } });
    expect(await throwing(() => new ActivityFailure("m", { details: undefined }))).toMatchObject({
      failure: { details: null },
    });
  });

  it.each([
    ["a date", () => new Date(0), "unsupported_value_type"],
    ["not a number", () => ({ share: Number.NaN }), "non_finite_float"],
    ["too large an integer", () => [2n ** 64n], "integer_overflow"],
    ["a circle", circle, "unsupported_value_type"],
    ["a getter that throws", () => withAngryGetters({}, "x"), undefined],
    ["an enumerable getter that throws", () => throwingField(new Error("no field")), "no field"],
    ["a getter that throws a proxy", () => throwingField(angryProxy()), "without a message"],
    ["a proxy that throws", angryProxy, "a trap that throws"],
    ["a revoked proxy", revokedProxy, "revoked"],
  ])("do not cost the failure where they do not encode: %s", async (_, details, lost) => {
    const result = await throwing(() => new NonRetryableError("m", { type: "T", details: details() }));
    expect(result).toMatchObject({
      outcome: { retryable: false },
      failure: { ...APPLICATION, type: "T", message: "m" },
    });
    expect(detailsOf(result)).toEqual(lost === undefined ? {} : { details_lost: expect.stringContaining(lost) });
  });
});

describe("a return value that does not encode", () => {
  it.each([
    ["a function", () => () => {}, "unsupported_value_type"],
    ["a symbol", () => Symbol("x"), "unsupported_value_type"],
    ["a date", () => new Date(0), "unsupported_value_type"],
    ["a Map", () => new Map(), "unsupported_value_type"],
    ["an instance of a class", () => new Lamp(), "unsupported_value_type"],
    ["not a number", () => Number.NaN, "non_finite_float"],
    ["an infinity", () => [Number.POSITIVE_INFINITY], "non_finite_float"],
    ["too large an integer", () => 2n ** 63n, "integer_overflow"],
    ["a lone surrogate", () => "\ud800", "unsupported_value_type"],
    ["a lone surrogate as key", () => ({ "\ud800": 1 }), "invalid_map_key"],
    ["a circle", circle, "unsupported_value_type"],
    ["a promise in a list", () => [Promise.resolve(1)], "unsupported_value_type"],
  ])("is a decode failure: %s", async (_, make, code) => {
    for (const result of await Promise.all([returning(make), returning(async () => make())])) {
      expect(result).toMatchObject({
        outcome: { status: "failed", retryable: false, recorded: true },
        failure: {
          kind: "decode_failure",
          classification: "decode_failure",
          type: "ResultEncodeFailure",
          message: expect.stringMatching(new RegExp(`^The return value does not encode: ${code}: `)),
          stack_trace: null,
          cancelled: false,
        },
      });
      expect(detailsOf(result)).toEqual({ code });
    }
  });

  // The phase decides: by now the handler is done, so that whatever is thrown is not its failure.
  it.each([
    ["an error", () => new Error("no field"), "no field"],
    ["a TypeError", () => new TypeError("no field"), "no field"],
    ["text", () => "no field", "no field"],
    ["nothing", () => undefined, "without a message"],
    ["a cancellation", () => new ActivityCancelled("no field"), "no field"],
    ["a failure", () => new NonRetryableError("no field", { details: { a: 1 } }), "no field"],
    ["a proxy that throws", angryProxy, "without a message"],
    ["a revoked proxy", revokedProxy, "without a message"],
  ])("is a decode failure where a getter throws %s", async (_, make, message) => {
    const result = await returning(() => throwingField(make()));
    expect(result).toMatchObject({
      outcome: { retryable: false },
      failure: {
        classification: "decode_failure",
        type: "ResultEncodeFailure",
        message: expect.stringContaining(message),
        cancelled: false,
        details: null,
      },
    });
  });

  it.each([
    ["a proxy that throws", angryProxy],
    ["a revoked proxy", revokedProxy],
    ["one in a list", () => [angryProxy()]],
  ])("is a decode failure, or the handler's own, but never a rejection: %s", async (_, make) => {
    const result = await returning(make);
    expect(result).toMatchObject({ outcome: { status: "failed" } });
  });
});

class Lamp {
  readonly level = 3;
}

function errorWithCause(): Error {
  return new Error("top", { cause: new TypeError("root") });
}

function inputError(): Error {
  return new ExternalTaskInputError({ path: "a", expected: "b", received: "c" });
}

function deadlineError(): Error {
  return new ExternalTaskDeadlineExceeded("lease.expires_at", "2999-06-01T12:00:00Z", "by hand");
}

function circle(): unknown {
  const list: unknown[] = [];
  list.push(list);
  return list;
}

/** A map of which one field throws when it is read. */
function throwingField(error: unknown): object {
  return {
    get field() {
      throw error;
    },
  };
}
