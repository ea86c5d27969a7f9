import { describe, expect, it, vi } from "vitest";
import {
  activityTaskEnvelope,
  failureEnvelope,
  malformedOutputEnvelope,
  successEnvelope,
  withField,
} from "../../test/support/envelopes.js";
import { UNMET, type Unmet } from "../../test/support/unmet.js";
import { FAILURE_CLASSIFICATIONS, FAILURE_KINDS, TIMEOUT_TYPES } from "./constants.js";
import { ExternalTaskResultError, isExternalTaskInputError, isExternalTaskResultError } from "./errors.js";
import { parseExternalTaskInput } from "./task-input.js";
import {
  externalTaskResultViolations,
  isCodecTagged,
  parseExternalTaskResult,
  type ResultTask,
  resultIsFor,
} from "./task-result.js";

const STATUS = "one of succeeded, failed";
const KIND = `one of ${FAILURE_KINDS.join(", ")}`;
const CLASSIFICATION = `one of ${FAILURE_CLASSIFICATIONS.join(", ")}`;
const TIMEOUT_TYPE = `one of ${TIMEOUT_TYPES.join(", ")}`;
const MALFORMED = '"malformed_output"';

const UNMET_HERE: Unmet = {
  ...UNMET,
  '"durable-workflow.v2.external-task-result"': [
    [undefined, "nothing"],
    [["durable-workflow.v2.external-task-result"], "a list"],
    ["durable-workflow.v2.external-task-input", '"durable-workflow.v2.external-task-input"'],
  ],
  [STATUS]: [
    [undefined, "nothing"],
    [true, "true"],
    ["success", '"success"'],
  ],
  [KIND]: [
    [undefined, "nothing"],
    [null, "null"],
    [3, "3"],
    ["cancelled", '"cancelled"'],
    ["toString", '"toString"'],
  ],
  [CLASSIFICATION]: [
    [undefined, "nothing"],
    [null, "null"],
    [["timeout"], "a list"],
    ["cancellation", '"cancellation"'],
  ],
  [TIMEOUT_TYPE]: [
    [undefined, "nothing"],
    [false, "false"],
    ["", '""'],
    ["idle", '"idle"'],
  ],
  [MALFORMED]: [
    [undefined, "nothing"],
    [null, "null"],
    ["application", '"application"'],
    ["timeout", '"timeout"'],
    ["nonsense", '"nonsense"'],
  ],
};

const COMMON_FIELDS = [
  ["", "an object"],
  ["schema", '"durable-workflow.v2.external-task-result"'],
  ["version", "1"],
  ["outcome", "an object"],
  ["outcome.status", STATUS],
  ["outcome.recorded", "a boolean"],
  ["task", "an object"],
  ["task.id", "a string"],
  ["task.kind", "one of activity_task, workflow_task"],
  ["task.attempt", "an integer >= 1"],
  ["task.idempotency_key", "a string"],
  ["metadata", "an object"],
] as const;

const SUCCESS_FIELDS = [
  ["result", "an object or null"],
  ["result.payload", "an object or null"],
  ["result.payload.codec", "a string"],
  ["result.payload.blob", "a string"],
  ["result.metadata", "an object or null"],
] as const;

const FAILED_FIELDS = [
  ["outcome.retryable", "a boolean"],
  ["failure", "an object"],
  ["failure.message", "a string"],
  ["failure.type", "a string or null"],
  ["failure.stack_trace", "a string or null"],
  ["failure.timeout_type", TIMEOUT_TYPE],
  ["failure.cancelled", "a boolean"],
  ["failure.details", "an object or null"],
] as const;

const FAILURE_FIELDS = [
  ["failure.kind", KIND],
  ["failure.classification", CLASSIFICATION],
] as const;

const MALFORMED_FIELDS = [
  ["failure.kind", MALFORMED],
  ["failure.classification", MALFORMED],
  ["raw_output", "an object"],
] as const;

/** Fields whose wrong value is shown: they hold names of the contract, not of a business. */
const SHOWN_FIELDS = new Set([
  "schema",
  "version",
  "outcome.status",
  "task.kind",
  "failure.kind",
  "failure.classification",
  "failure.timeout_type",
]);

/** Fields that nobody decides by. */
const MENTIONED_FIELDS = new Set<string>(["metadata", "result.metadata", "failure.stack_trace"]);

const REQUIRED_FIELDS = [
  ...[...COMMON_FIELDS, ...SUCCESS_FIELDS].map(([path, expected]) => ({
    envelope: successEnvelope(),
    of: "success",
    path,
    expected,
  })),
  ...[...COMMON_FIELDS, ...FAILED_FIELDS, ...FAILURE_FIELDS].map(([path, expected]) => ({
    envelope: failureEnvelope(),
    of: "failure",
    path,
    expected,
  })),
  ...[...COMMON_FIELDS, ...FAILED_FIELDS, ...MALFORMED_FIELDS].map(([path, expected]) => ({
    envelope: malformedOutputEnvelope(),
    of: "malformed output",
    path,
    expected,
  })),
];

const TASK = { id: "task-lamp-7", kind: "activity_task", attempt: 2, idempotencyKey: "execution-lamp-7" };
const METADATA = { handler: "lamps.dim", carrier: "carrier-cellar", durationMs: 250 };
const NO_FLAGS = {
  cancelled: false,
  deadlineExceeded: false,
  handlerCrash: false,
  decodeFailure: false,
  unsupportedPayload: false,
  malformedOutput: false,
};

describe("parseExternalTaskResult", () => {
  it("reads a success", () => {
    expect(parseExternalTaskResult(successEnvelope())).toEqual({
      kind: "success",
      task: TASK,
      metadata: METADATA,
      recorded: true,
      succeeded: true,
      failed: false,
      retryable: false,
      ...NO_FLAGS,
      failureKind: null,
      failureClassification: null,
      payload: { codec: "avro", blob: "wwHioz3/VYAiNwoOc2hpcHBlZA==" },
      resultMetadata: { content_type: "application/vnd.durable-workflow.result+json" },
    });
  });

  it("reads a failure", () => {
    expect(parseExternalTaskResult(failureEnvelope())).toEqual({
      kind: "failure",
      task: TASK,
      metadata: METADATA,
      recorded: true,
      succeeded: false,
      failed: true,
      retryable: true,
      ...NO_FLAGS,
      failureKind: "application",
      failureClassification: "application_error",
      failure: {
        kind: "application",
        classification: "application_error",
        message: "The lamp does not answer.",
        type: "LampOffline",
        stackTrace: "LampOffline: The lamp does not answer.\n    at dim (lamps.js:7:3)",
        timeoutType: null,
        cancelled: false,
        details: { codec: "avro", blob: "wwHioz3/VYAiNw4CCnNoZWxmCgRCNAA=" },
      },
    });
  });

  it("reads malformed output", () => {
    expect(parseExternalTaskResult(malformedOutputEnvelope())).toEqual({
      kind: "malformed_output",
      task: TASK,
      metadata: METADATA,
      recorded: false,
      succeeded: false,
      failed: true,
      retryable: false,
      ...NO_FLAGS,
      malformedOutput: true,
      failureKind: "malformed_output",
      failureClassification: "malformed_output",
      failure: {
        kind: "malformed_output",
        classification: "malformed_output",
        message: "The carrier answered with a page.",
        type: "MalformedOutput",
        stackTrace: null,
        timeoutType: null,
        cancelled: false,
        details: null,
      },
      rawOutput: { status: 502, body_preview: "<h1>Bad gateway</h1>" },
    });
  });

  it.each([
    ["application", "application_error", {}],
    ["timeout", "timeout", {}],
    ["timeout", "deadline_exceeded", { deadlineExceeded: true }],
    ["cancellation", "cancelled", { cancelled: true }],
    ["handler_crash", "handler_crash", { handlerCrash: true }],
    ["decode_failure", "decode_failure", { decodeFailure: true }],
    ["unsupported_payload", "unsupported_payload_codec", { unsupportedPayload: true }],
    ["unsupported_payload", "unsupported_payload_reference", { unsupportedPayload: true }],
    ["malformed_output", "malformed_output", { malformedOutput: true }],
  ] as const)("flags %s / %s as %o", (kind, classification, flags) => {
    const result = parseExternalTaskResult(malformedOutputEnvelope({ failure: { kind, classification } }));
    expect(result).toMatchObject({
      ...NO_FLAGS,
      ...flags,
      kind: kind === "malformed_output" ? "malformed_output" : "failure",
      failureKind: kind,
      failureClassification: classification,
    });
  });

  it.each([
    [true, "application", "application_error", true],
    [false, "cancellation", "cancelled", true],
    [true, "cancellation", "cancelled", true],
    [false, "cancellation", "application_error", false],
  ] as const)("reads cancelled %s with %s / %s as %s", (cancelled, kind, classification, expected) => {
    const result = parseExternalTaskResult(failureEnvelope({ failure: { cancelled, kind, classification } }));
    expect(result).toMatchObject({ cancelled: expected, failure: { cancelled: expected } });
  });

  it.each(TIMEOUT_TYPES)("reads timeout type %s", (timeoutType) => {
    const result = parseExternalTaskResult(failureEnvelope({ failure: { timeout_type: timeoutType } }));
    expect(result).toMatchObject({ failure: { timeoutType } });
  });

  it.each([
    ["no result", successEnvelope({ result: null }), null, null],
    ["a null payload", successEnvelope({ result: { payload: null } }), null, expect.any(Object)],
    ["null result metadata", successEnvelope({ result: { metadata: null } }), expect.any(Object), null],
    [
      "a stored payload",
      successEnvelope({ result: { payload: { codec: "avro", external_storage: { uri: "s3://lamps/7" } } } }),
      { codec: "avro", external_storage: { uri: "s3://lamps/7" } },
      expect.any(Object),
    ],
    [
      "a blob next to another type of reference",
      withField(successEnvelope(), "result.payload", { codec: "", blob: "", external_storage: null, x_unknown: 1 }),
      { codec: "", blob: "", external_storage: null, x_unknown: 1 },
      expect.any(Object),
    ],
  ])("reads a success with %s", (_, envelope, payload, resultMetadata) => {
    expect(parseExternalTaskResult(envelope)).toMatchObject({ kind: "success", payload, resultMetadata });
  });

  it.each([
    ["a list", { codec: "avro", external_storage: [] }, "external_storage must be an object, got a list"],
    ["null", { codec: "avro", external_storage: null }, "external_storage must be an object, got null"],
    [
      "an object, next to a null blob",
      { codec: "avro", blob: null, external_storage: {} },
      "blob must be a string, got null",
    ],
    ["missing, as the blob is", { codec: "avro" }, "blob must be a string, got nothing"],
  ])("refuses a stored payload whose reference is %s", (_, payload, message) => {
    expect(() => parseExternalTaskResult(withField(successEnvelope(), "result.payload", payload))).toThrow(
      `result.payload.${message}`,
    );
  });

  it.each([
    ["metadata", {}, { handler: null, carrier: null, durationMs: null }],
    ["metadata.handler", undefined, { ...METADATA, handler: null }],
    ["metadata.handler", null, { ...METADATA, handler: null }],
    ["metadata.carrier", undefined, { ...METADATA, carrier: null }],
    ["metadata.duration_ms", undefined, { ...METADATA, durationMs: null }],
    ["metadata.duration_ms", 0, { ...METADATA, durationMs: 0 }],
  ])("reads %s of %j", (path, value, metadata) => {
    expect(parseExternalTaskResult(withField(failureEnvelope(), path, value)).metadata).toEqual(metadata);
  });

  describe.each([
    ["metadata.handler", "a string or null"],
    ["metadata.carrier", "a string"],
    ["metadata.duration_ms", "an integer >= 0"],
  ])("field %s, where it is given", (path, expected) => {
    it.each((UNMET[expected] ?? []).filter(([value]) => value !== undefined))(
      "takes %j for nothing, and mentions it",
      (value, received) => {
        const envelope = withField(successEnvelope(), path, value);
        const { metadata } = parseExternalTaskResult(envelope);
        expect(Object.values(metadata).filter((field) => field === null)).toHaveLength(1);
        expect(externalTaskResultViolations(envelope)).toEqual([{ path, expected, received }]);
      },
    );
  });

  it.each([
    { envelope: successEnvelope(), sections: ["", "outcome", "task", "result", "result.payload", "metadata"] },
    { envelope: failureEnvelope(), sections: ["", "outcome", "task", "failure", "metadata"] },
    { envelope: malformedOutputEnvelope(), sections: ["", "outcome", "task", "failure", "metadata"] },
  ])("ignores unknown fields in $sections", ({ envelope, sections }) => {
    let extended: unknown = envelope;
    for (const section of sections) extended = withField(extended, `${section}.x_unknown`, { any: ["thing"] });
    expect(parseExternalTaskResult(extended)).toMatchObject(parseExternalTaskResult(envelope));
  });

  it.each([
    [
      "retryable and failure of a success",
      { ...successEnvelope(), failure: "none", outcome: { status: "succeeded", recorded: true, retryable: "no" } },
      "success",
    ],
    ["result and raw_output of a failure", { ...failureEnvelope(), result: 1, raw_output: "none" }, "failure"],
  ])("ignores %s", (_, envelope, kind) => {
    expect(parseExternalTaskResult(envelope).kind).toBe(kind);
  });

  describe.each(REQUIRED_FIELDS.filter(({ path }) => MENTIONED_FIELDS.has(path)))(
    "of a $of, field $path, which nobody decides by,",
    ({ envelope, path, expected }) => {
      it.each(UNMET_HERE[expected] ?? [])("may be %j, and is mentioned", (value, received) => {
        const odd = withField(envelope, path, value);
        expect(parseExternalTaskResult(odd).kind).toBe(parseExternalTaskResult(envelope).kind);
        expect(externalTaskResultViolations(odd)).toEqual([{ path, expected, received }]);
      });
    },
  );

  describe.each(REQUIRED_FIELDS.filter(({ path }) => !MENTIONED_FIELDS.has(path)))(
    "of a $of, field $path",
    ({ envelope, path, expected }) => {
      it.each(UNMET_HERE[expected] ?? [])("refuses %j", (value, received) => {
        expect(() => parseExternalTaskResult(withField(envelope, path, value))).toThrow(
          expect.objectContaining({
            name: "ExternalTaskResultError",
            path,
            expected,
            message: `${path === "" ? "the document" : path} must be ${expected}, got ${received}`,
          }),
        );
      });
    },
  );

  it.each(REQUIRED_FIELDS.filter(({ path }) => !SHOWN_FIELDS.has(path)))(
    "gives no content away where $path of a $of is wrong",
    ({ envelope, path }) => {
      for (const value of ["Jane Doe", ["Jane Doe"], { "Jane Doe": "Jane Doe" }]) {
        const violations = externalTaskResultViolations(withField(envelope, path, value));
        expect(JSON.stringify(violations)).not.toContain("Jane");
      }
    },
  );
});

describe("externalTaskResultViolations", () => {
  it.each([[successEnvelope()], [failureEnvelope()], [malformedOutputEnvelope()]])(
    "finds none in a valid envelope",
    (envelope) => {
      expect(externalTaskResultViolations(envelope)).toEqual([]);
    },
  );

  it.each(REQUIRED_FIELDS)("reports $path missing from the $of", ({ envelope, path, expected }) => {
    const violations = externalTaskResultViolations(withField(envelope, path, undefined));
    expect(violations).toContainEqual({ path, expected, received: "nothing" });
  });

  it("reports every violation, in reading order", () => {
    let broken = withField(failureEnvelope(), "schema", 1);
    broken = withField(broken, "outcome.retryable", "no");
    broken = withField(broken, "task.attempt", 0);
    broken = withField(broken, "failure.type", undefined);
    broken = withField(broken, "failure.details", []);
    broken = withField(broken, "metadata.duration_ms", -1);
    expect(externalTaskResultViolations(broken)).toEqual([
      { path: "schema", expected: '"durable-workflow.v2.external-task-result"', received: "1" },
      { path: "task.attempt", expected: "an integer >= 1", received: "0" },
      { path: "metadata.duration_ms", expected: "an integer >= 0", received: "-1" },
      { path: "outcome.retryable", expected: "a boolean", received: "a string" },
      { path: "failure.type", expected: "a string or null", received: "nothing" },
      { path: "failure.details", expected: "an object or null", received: "a list" },
    ]);
  });

  it.each([
    ["kind", "application", ["failure.kind"]],
    ["kind", "nonsense", ["failure.kind"]],
    ["classification", "timeout", ["failure.classification"]],
  ])("reports a malformed output of another %s, %s, once", (field, value, paths) => {
    const broken = withField(malformedOutputEnvelope(), `failure.${field}`, value);
    expect(externalTaskResultViolations(broken).map(({ path }) => path)).toEqual(paths);
  });

  it("reports a failure that is malformed output by one field only", () => {
    const broken = withField(failureEnvelope(), "failure.kind", "malformed_output");
    expect(externalTaskResultViolations(broken)).toEqual([
      { path: "failure.classification", expected: MALFORMED, received: '"application_error"' },
      { path: "raw_output", expected: "an object", received: "nothing" },
    ]);
  });

  it.each([null, undefined, [], "text", 7])("reports every field of %j as missing", (value) => {
    const paths = externalTaskResultViolations(value).map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(COMMON_FIELDS.map(([path]) => path)));
  });
});

describe("resultIsFor", () => {
  const task: ResultTask = { id: "task-lamp-7", kind: "activity_task", attempt: 2, idempotencyKey: "execution-lamp-7" };

  it.each([
    ["the same task", {}, true],
    ["another attempt at the same task", { attempt: 3 }, false],
    ["another id", { id: "task-lamp-8" }, false],
    ["another kind", { kind: "workflow_task" }, false],
    ["another idempotency key", { idempotencyKey: "execution-lamp-8" }, false],
    ["an id in another case", { id: "TASK-lamp-7" }, false],
  ] as const)("compares a result with %s", (_, changes, expected) => {
    const result = parseExternalTaskResult(successEnvelope());
    expect(resultIsFor(result, { ...task, ...changes })).toBe(expected);
  });

  it("takes the task of an input as it was read", () => {
    const input = parseExternalTaskInput(activityTaskEnvelope());
    const sent = { ...input.task, kind: input.kind };
    expect(resultIsFor(parseExternalTaskResult(failureEnvelope()), sent)).toBe(true);
  });
});

describe("isCodecTagged", () => {
  it.each([
    [{ codec: "avro", blob: "" }, true],
    [{ codec: "" }, true],
    [{ codec: null }, false],
    [{ blob: "" }, false],
    [{}, false],
    [["codec"], false],
    ["avro", false],
    [null, false],
    [undefined, false],
  ])("of %j is %s", (value, expected) => {
    expect(isCodecTagged(value)).toBe(expected);
  });
});

describe("ExternalTaskResultError", () => {
  it("is told apart from other errors by its brand", () => {
    const error = new ExternalTaskResultError({ path: "outcome", expected: "an object", received: "null" });
    expect(error.message).toBe("outcome must be an object, got null");
    expect(isExternalTaskResultError(error)).toBe(true);
    expect(isExternalTaskInputError(error)).toBe(false);
    for (const other of [new Error(error.message), error.message, null, undefined]) {
      expect(isExternalTaskResultError(other)).toBe(false);
    }
  });

  it("is recognised when another copy of the library threw it", async () => {
    vi.resetModules();
    const copy = await import("./index.js");
    const thrown = [copy.parseExternalTaskResult, copy.parseExternalTaskResultArtifact].map((parse) => {
      try {
        return parse({});
      } catch (error) {
        return error;
      }
    });
    for (const error of thrown) {
      expect(error).not.toBeInstanceOf(ExternalTaskResultError);
      expect(isExternalTaskResultError(error)).toBe(true);
      expect(isExternalTaskInputError(error)).toBe(false);
    }
  });
});
