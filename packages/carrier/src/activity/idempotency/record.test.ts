import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { losslessValues } from "../../../test/support/avro-values.js";
import { decodePayload, payloadEnvelope } from "../../payload/index.js";
import type { TaskFailure, TaskOutcome } from "../run/failures.js";
import { readRecord, writeRecord } from "./record.js";

const FAILURE: TaskFailure = {
  classification: "application_error",
  type: "CardDeclined",
  message: "The card was declined.",
  retryable: false,
  stack: null,
  details: undefined,
};

function written(outcome: TaskOutcome): string {
  return writeRecord({ fingerprint: "dim 1", outcome });
}

function through(outcome: TaskOutcome): TaskOutcome | undefined {
  return readRecord(written(outcome))?.outcome;
}

describe("a record", () => {
  it.each<TaskOutcome>([
    payloadEnvelope({ total: 7 }),
    { codec: "avro", external_storage: { uri: "s3://bucket/key", sha256: "00", size_bytes: 3, codec: "avro" } },
    FAILURE,
    { ...FAILURE, type: null, message: "\ud7ff \u0000 語 🔑" },
    { ...FAILURE, stack: "CardDeclined\n    at charge (cards.js:7:3)" },
    { ...FAILURE, classification: "cancelled" },
    { ...FAILURE, classification: "decode_failure" },
    { ...FAILURE, classification: "unsupported_payload_codec" },
    { ...FAILURE, classification: "unsupported_payload_reference" },
    { ...FAILURE, classification: "deadline_exceeded" },
  ])("gives back what it was made of: %j", (outcome) => {
    expect(through(outcome)).toEqual(outcome);
    expect(readRecord(written(outcome))?.fingerprint).toBe("dim 1");
  });

  it("gives details back that encode to the very same bytes", () => {
    fc.assert(
      fc.property(losslessValues, (details) => {
        const again = through({ ...FAILURE, details }) as TaskFailure;
        expect(payloadEnvelope(again.details)).toEqual(payloadEnvelope(details));
      }),
    );
  });

  it("does without a stack that was not given, and without details that do not encode", () => {
    const { stack: _, ...bare } = FAILURE;
    expect(through(bare)).toEqual(FAILURE);
    expect(through({ ...FAILURE, details: { when: Symbol("now") } })).toEqual(FAILURE);
  });

  it("tells details of null from none", () => {
    expect(through({ ...FAILURE, details: null })).toEqual({ ...FAILURE, details: null });
  });
});

describe("what is no record", () => {
  const success = written(payloadEnvelope("done"));
  const failure = written({ ...FAILURE, details: { card: 7 } });

  it.each([
    "",
    "null",
    "[]",
    "7",
    '"done"',
    "{}",
    success.slice(0, -1),
    success.replace("idempotency-record", "record"),
    success.replace('"version":1', '"version":2'),
    success.replace('"version":1', '"version":"1"'),
    success.replace('"dim 1"', "7"),
    success.replace('"payload"', '"payloads"'),
    success.replace('"codec":"avro"', '"codec":null'),
    success.replace('"blob"', '"blobs"'),
    success.replace(/"blob":"[^"]*"/, '"external_storage":[]'),
    failure.replace('"failure"', '"failures"'),
    failure.replace(/"failure":\{.*\}/, '"failure":[]'),
    failure.replace("application_error", "handler_crash"),
    failure.replace("application_error", "constructor"),
    failure.replace('"The card was declined."', "null"),
    failure.replace('"CardDeclined"', "7"),
    failure.replace('"stack":null', '"stack":[]'),
    failure.replace('"stack":null,', ""),
    failure.replace(/"details":\{[^}]*\}/, '"details":"secret"'),
    failure.replace(/"details":\{[^}]*\}/, '"details":{"codec":"json","blob":"e30="}'),
    failure.replace(/"blob":"[^"]{9}/, '"blob":"!'),
  ])("reads as nothing: %s", (record) => {
    expect([success, failure]).not.toContain(record);
    expect(readRecord(record)).toBeUndefined();
  });

  it("is never taken for a success, whatever was cut off or changed", () => {
    const records = fc.constantFrom(success, failure);
    fc.assert(
      fc.property(records, fc.nat(), fc.string({ maxLength: 3 }), (record, at, other) => {
        const cut = at % record.length;
        const changed = record.slice(0, cut) + other + record.slice(cut + other.length);
        const read = readRecord(changed);
        if (read === undefined) return;
        // What still reads has the shape of an outcome, and a failure has not become a success.
        if ("codec" in read.outcome) expect(record).toBe(success);
        else expect(read.outcome.retryable).toBe(false);
      }),
    );
  });
});

it("holds a result as it was encoded", () => {
  const outcome = through(payloadEnvelope({ total: 7n }));
  expect(decodePayload(outcome)).toEqual({ total: 7 });
});
