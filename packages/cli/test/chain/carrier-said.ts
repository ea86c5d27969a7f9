import { gzipSync } from "node:zlib";
import { payloadEnvelope } from "@durable-workflow/carrier/payload";
import fc from "fast-check";
import { goodValue, isPlain, oddText } from "./odd-values.js";
import { type Received, resultFor } from "./raw-carrier.js";
import type { Expected } from "./scenario.js";

/** Answers larger than this are too large for the dispatchers of these tests. */
export const RESPONSE_LIMIT_BYTES = 4_000_000;

/** What a carrier says, before it is put into HTTP. */
export interface Said {
  readonly label: string;
  /** When its body is read as it is, with a status of 200. */
  readonly expected: Expected;
  readonly body: (task: Received) => string | Buffer;
  readonly headers?: string;
}

export const MALFORMED = "MalformedOutput";
export const MALFORMED_200: Expected = { end: "failed", retryable: false, type: MALFORMED };

export const success = (task: Received, value: unknown, more: object = {}): Record<string, unknown> =>
  resultFor(task, {
    result: { payload: payloadEnvelope(value as string), metadata: { content_type: "application/json" } },
    ...more,
  });

const plainSuccess: fc.Arbitrary<Said> = goodValue.map((value) => ({
  label: "a success",
  expected: { end: "completed", value },
  body: (task) => JSON.stringify(success(task, value)),
}));

/** Fields that nobody decides by. */
const adornedSuccess: fc.Arbitrary<Said> = fc
  .tuple(
    goodValue,
    oddText,
    fc.constantFrom<object[]>(
      { metadata: { handler: null, future: [1, { a: null }] } },
      { metadata: {}, extra: { deep: [[[]]] } },
      { outcome: { status: "succeeded", recorded: false, retryable: "maybe" } },
      { failure: null, raw_output: 7 },
    ),
  )
  .map(([value, text, more]) => ({
    label: `a success with odd fields: ${JSON.stringify(more)}`,
    expected: { end: "completed", value },
    body: (task) => JSON.stringify({ ...success(task, value), ...more, x_note: text }),
  }));

const failureOf = (task: Received, retryable: unknown, failure: object): Record<string, unknown> =>
  resultFor(task, {
    outcome: { status: "failed", retryable, recorded: true },
    failure: {
      kind: "application",
      classification: "application_error",
      message: "Marked",
      type: null,
      stack_trace: null,
      timeout_type: null,
      cancelled: false,
      details: null,
      ...failure,
    },
  });

const foreignDetails = fc.oneof(
  fc.constantFrom<unknown[]>(
    null,
    {},
    { codec: "avro", blob: "not base64!" },
    { codec: "avro", blob: "" },
    { codec: "json", blob: "{}" },
    { codec: "avro", external_storage: { uri: "s3://nowhere/x", size: -1 } },
    { codec: 7 },
  ),
  oddText.map((text) => ({ said: text, [text.slice(0, 200)]: [text.slice(0, 200)] })),
  goodValue.map((value): unknown => payloadEnvelope(value as string)),
);

const failure: fc.Arbitrary<Said> = fc
  .record({
    retryable: fc.boolean(),
    type: fc.oneof(fc.constant(null), fc.constantFrom("CardDeclined", "Späti"), oddText),
    text: oddText,
    stack: fc.oneof(fc.constant(null), oddText),
    kind: fc.constantFrom("application", "timeout", "handler_crash", "decode_failure"),
    details: foreignDetails,
  })
  .map(({ retryable, type, text, stack, kind, details }) => ({
    label: `a failure of type ${JSON.stringify(type?.slice(0, 20) ?? null)}: ${JSON.stringify(text.slice(0, 20))}`,
    expected: {
      end: "failed",
      retryable,
      says: "Marked",
      ...(type !== null && isPlain(type) ? { type } : {}),
    },
    body: (task) =>
      JSON.stringify(
        failureOf(task, retryable, { kind, type, details, stack_trace: stack, message: `Marked ${text}` }),
      ),
  }));

const withPayload =
  (payload: unknown) =>
  (task: Received): string =>
    JSON.stringify({ ...success(task, null), result: { payload, metadata: null } });

/** What the engine does not take is recorded as a failure that says so. */
const unacceptable: fc.Arbitrary<Said> = fc
  .constantFrom<unknown[]>(
    { codec: "json", blob: "{}" },
    { codec: "\0", blob: "AAAA" },
    { codec: "avro", external_storage: { uri: "s3://bucket/key" } },
  )
  .map((payload) => ({
    label: `a success with the payload ${JSON.stringify(payload)}`,
    expected: { end: "failed", retryable: false, type: "ReportRejected" },
    body: withPayload(payload),
  }));

/** Blobs are opaque to engines: whether one decodes is for the reader of the result to find out. */
const undecodable: fc.Arbitrary<Said> = fc.constantFrom("***", "", "AAAA", "\0").map((blob) => ({
  label: `a success with the blob ${JSON.stringify(blob)}`,
  expected: { end: "either" },
  body: withPayload({ codec: "avro", blob }),
}));

/** Documents that are no result of this task. */
const malformed: fc.Arbitrary<Said> = fc
  .constantFrom<[string, (task: Received) => string | Buffer][]>(
    ["nothing", () => ""],
    ["blanks", () => " \r\n\t "],
    ["half a success", (task) => JSON.stringify(success(task, "half")).slice(0, -20)],
    ["a success and more", (task) => `${JSON.stringify(success(task, "and"))}{}`],
    ["null", () => "null"],
    ["a list", () => "[]"],
    ["a page", () => "<!doctype html><title>Bad gateway</title>\0\u001b[2J"],
    ["NaN", () => '{"schema": NaN}'],
    ["bytes", () => Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 7) % 256))],
    ["half a character", () => Buffer.from([0x22, 0xf0, 0x9f, 0x98])],
    ["another schema", (task) => JSON.stringify(success(task, 1, { schema: "durable-workflow.v3" }))],
    ["another version", (task) => JSON.stringify(success(task, 1, { version: 2 }))],
    ["an unknown status", (task) => JSON.stringify(success(task, 1, { outcome: { status: "maybe", recorded: true } }))],
    ["no task", (task) => JSON.stringify(success(task, 1, { task: null }))],
    ["the envelope of another task", (task) => JSON.stringify(success({ ...task, id: `${task.id}x` }, 1))],
    ["the envelope of another attempt", (task) => JSON.stringify(success({ ...task, attempt: task.attempt + 1 }, 1))],
    ["the envelope of another key", (task) => JSON.stringify(success({ ...task, idempotencyKey: "\0\ud800" }, 1))],
    ["a failure without failure", (task) => JSON.stringify({ ...failureOf(task, true, {}), failure: null })],
    ["a failure of unknown kind", (task) => JSON.stringify(failureOf(task, true, { kind: "\u001b[31m" }))],
    ["a failure with a text for retryable", (task) => JSON.stringify(failureOf(task, "yes", {}))],
    ["a deep document", () => `${"[".repeat(20_000)}${"]".repeat(20_000)}`],
    ["too much", () => "x".repeat(RESPONSE_LIMIT_BYTES + 1)],
    ["too much of a success", (task) => JSON.stringify(success(task, "s".repeat(RESPONSE_LIMIT_BYTES)))],
  )
  .map(([label, body]) => ({ label, expected: MALFORMED_200, body }));

const zipped: fc.Arbitrary<Said> = fc.constantFrom<Said[]>(
  {
    label: "a zipped success",
    expected: { end: "completed", value: "zipped" },
    headers: "content-encoding: gzip\r\n",
    body: (task) => gzipSync(JSON.stringify(success(task, "zipped"))),
  },
  {
    label: "a zipped bomb",
    expected: MALFORMED_200,
    headers: "content-encoding: gzip\r\n",
    body: () => gzipSync(Buffer.alloc(RESPONSE_LIMIT_BYTES + 1)),
  },
  {
    label: "a success that calls itself zipped",
    expected: { end: "failed", type: [MALFORMED, "CarrierUnreachable"] },
    headers: "content-encoding: gzip\r\n",
    body: (task) => JSON.stringify(success(task, "not zipped")),
  },
  {
    label: "an unknown encoding",
    expected: { end: "failed", type: [MALFORMED, "CarrierUnreachable"] },
    headers: "content-encoding: zstandard-next\r\n",
    body: (task) => JSON.stringify(success(task, "who knows")),
  },
);

export const said: fc.Arbitrary<Said> = fc.oneof(
  { weight: 5, arbitrary: plainSuccess },
  { weight: 5, arbitrary: adornedSuccess },
  { weight: 12, arbitrary: failure },
  { weight: 2, arbitrary: unacceptable },
  { weight: 1, arbitrary: undecodable },
  { weight: 10, arbitrary: malformed },
  { weight: 2, arbitrary: zipped },
);
