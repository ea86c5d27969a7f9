import { FAILURE_REPORT_BYTES } from "@durable-workflow/engine-protocol";
import type { FailureReport } from "@durable-workflow/engine-protocol/worker";
import { describe, expect, it } from "vitest";
import { NO_SECRETS } from "../net/secrets.js";
import { recordableFailure } from "./recordable.js";

const base: FailureReport = {
  message: "The lamp does not answer.",
  type: "LampOffline",
  kind: "application",
  cancelled: false,
  malformed_output: false,
  retryable: true,
  non_retryable: false,
  details: null,
};
const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
const omittedOf = ({ diagnostics }: FailureReport): unknown =>
  (diagnostics?.["failure_report"] as { omitted_fields: unknown } | undefined)?.omitted_fields;

describe("the report of a failure", () => {
  it("that fits is left as it is", () => {
    const details = { codec: "avro", blob: "A".repeat(60_000) };
    const fits = { ...base, message: "é".repeat(31_000), stack_trace: "x".repeat(131_072), details };
    expect(recordableFailure(fits, NO_SECRETS)).toEqual(fits);
  });

  it.each<[string, Partial<FailureReport>, object]>([
    ["a message", { message: "é".repeat(40_000) }, { message: 80_000 }],
    ["a stack", { stack_trace: "é".repeat(70_000) }, { stack_trace: 140_000 }],
    ["details", { details: { codec: "avro", blob: "A".repeat(70_000) } }, { details: 70_026 }],
  ])("says of %s that is too large how many bytes it had", (_, large, expected) => {
    const made = recordableFailure({ ...base, ...large }, NO_SECRETS);
    expect(omittedOf(made)).toEqual(expected);
    expect(made).toMatchObject({ type: "LampOffline", retryable: true, non_retryable: false });
    expect(Buffer.byteLength(made.message)).toBeLessThanOrEqual(FAILURE_REPORT_BYTES.message);
    expect(Buffer.byteLength(made.stack_trace ?? "")).toBeLessThanOrEqual(FAILURE_REPORT_BYTES.stackTrace);
    expect(bytes({ details: made.details, diagnostics: made.diagnostics })).toBeLessThan(FAILURE_REPORT_BYTES.metadata);
  });

  it.each([20_000, 60_000, 200_000])("fits into what the engine takes in all: %i bytes", (most) => {
    const large = {
      ...base,
      message: "\u0001".repeat(60_000),
      stack_trace: '"\n'.repeat(60_000),
      details: { codec: "avro", blob: "A".repeat(60_000) },
    };
    const made = recordableFailure(large, NO_SECRETS, most);
    expect(bytes({ activity_attempt_id: "a".repeat(255), lease_owner: "o".repeat(255), failure: made })).toBeLessThan(
      most,
    );
    expect(made.type).toBe("LampOffline");
    expect(made.message.length).toBeGreaterThan(20);
    expect(Object.keys(omittedOf(made) as object).length).toBeGreaterThan(0);
  });

  it("is never without what the engine decides by, however little it takes", () => {
    const made = recordableFailure({ ...base, message: "m".repeat(5_000) }, NO_SECRETS, 1);
    expect(made).toMatchObject({ type: "LampOffline", non_retryable: false, retryable: true });
  });
});
