import { decodePayload, payloadEnvelope } from "@durable-workflow/carrier/payload";
import { parseExternalTaskInput } from "@durable-workflow/carrier/protocol";
import { activityTaskEnvelope } from "@durable-workflow/engine-protocol/worker";
import { describe, expect, it } from "vitest";
import { failedFor, leasedTask, resultFor } from "../../test/support/tasks.js";
import { LARGE_BLOB_BYTES, type LeanText, withoutLargeBlobs } from "../net/blob-bytes.js";
import type { DeliveryAnswer } from "./answer.js";
import { type Report, reportOf } from "./result-mapping.js";

const task = leasedTask();
const context = { carrier: "web", scrub: (text: string) => text.replaceAll("s3cret", "[redacted]") };

const lean = (document: unknown): LeanText => {
  const text = typeof document === "string" ? document : JSON.stringify(document);
  const read = withoutLargeBlobs(Buffer.from(text));
  if (read === undefined) throw new Error("no UTF-8");
  return read;
};

const http = (document: unknown, status = 200, temporary = false): Report =>
  reportOf(
    task,
    {
      kind: "http",
      status,
      temporary,
      body: lean(document),
    },
    context,
  ).report;

const run = (exitCode: number | null, document: unknown, more: object = {}): Report =>
  reportOf(
    task,
    {
      kind: "process",
      exitCode,
      signal: null,
      stdout: lean(document),
      stderrPreview: "a log line with s3cret",
      ...more,
    },
    context,
  ).report;

function failureOf(report: Report) {
  if (report.kind !== "fail") throw new Error("a result, where a failure was expected");
  return report.failure;
}

describe("what a handler of this process has said", () => {
  const handled = (result: unknown): Report =>
    reportOf(task, { kind: "handled", result: result as never }, context).report;

  it("is its result, or its failure", () => {
    const payload = { codec: "avro", blob: "wwHioz3/VYAiNwoIZG9uZQ==" };
    expect(handled(resultFor({ result: { payload, metadata: null } }))).toEqual({ kind: "complete", result: payload });
    expect(failureOf(handled(failedFor())).malformed_output).toBe(false);
  });

  it.each([
    undefined,
    null,
    "done",
    {},
    { outcome: { status: "succeeded" }, result: { payload: "done" } },
    { outcome: { status: "failed" }, failure: "no" },
  ])("is a failure where it is %j", (result) => {
    expect(failureOf(handled(result))).toMatchObject({
      type: "MalformedOutput",
      malformed_output: true,
      non_retryable: true,
      message: expect.stringMatching(/^The handler of carrier web answered without a result for this task: /),
    });
  });
});

describe("a result", () => {
  it("is completed with its payload, and nothing but its two keys", () => {
    const payload = { codec: "avro", blob: "wwHioz3/VYAiNwoIZG9uZQ==", note: "more" };
    expect(http(resultFor({ result: { payload, metadata: null } }))).toEqual({
      kind: "complete",
      result: { codec: "avro", blob: payload.blob },
    });
  });

  it("in external storage is passed through", () => {
    const payload = { codec: "avro", external_storage: { uri: "s3://lamps/7", sha256: "00", extra: [1] } };
    expect(http(resultFor({ result: { payload, metadata: null } }))).toEqual({ kind: "complete", result: payload });
  });

  it.each([null, { payload: null, metadata: null }])("of nothing is completed with nothing", (result) => {
    expect(http(resultFor({ result }))).toEqual({ kind: "complete", result: null });
  });

  it.each([202, 400, 500])("counts with status %s too", (status) => {
    expect(http(resultFor(), status).kind).toBe("complete");
  });

  it.each([
    ["id", "task-8"],
    ["attempt", 1],
    ["idempotency_key", "execution-7"],
    ["kind", "workflow_task"],
  ])("for another %s is malformed output", (field, value) => {
    const failure = failureOf(http(resultFor({ task: { ...(resultFor()["task"] as object), [field]: value } })));
    expect(failure).toMatchObject({ kind: "malformed_output", malformed_output: true, non_retryable: true });
    expect(failure.message).toContain(`task.${field} is not the one that was sent`);
  });
});

describe("a failure", () => {
  it("always has details, and non_retryable from retryable", () => {
    expect(failureOf(http(failedFor()))).toEqual({
      message: "The lamp does not answer.",
      type: "LampOffline",
      kind: "application",
      cancelled: false,
      malformed_output: false,
      retryable: true,
      non_retryable: false,
      details: null,
    });
    expect(failureOf(http(failedFor({}, false)))).toMatchObject({ retryable: false, non_retryable: true });
  });

  it("keeps stack trace, timeout type and cancellation", () => {
    const failure = { stack_trace: "at lamp", kind: "timeout", classification: "timeout", timeout_type: "heartbeat" };
    expect(failureOf(http(failedFor(failure)))).toMatchObject({ stack_trace: "at lamp", timeout_type: "heartbeat" });
    const cancelled = { kind: "cancellation", classification: "cancelled", cancelled: true };
    expect(failureOf(http(failedFor(cancelled, false)))).toMatchObject({ cancelled: true, kind: "cancellation" });
  });

  it("has details passed through when they are tagged, encoded when they are not", () => {
    const tagged = { ...payloadEnvelope({ shelf: 4 }), extra: 1 };
    expect(failureOf(http(failedFor({ details: tagged }))).details).toEqual({ codec: "avro", blob: tagged.blob });
    const stored = { codec: "avro", external_storage: { uri: "s3://x" } };
    expect(failureOf(http(failedFor({ details: stored }))).details).toEqual(stored);
    expect(decodePayload(failureOf(http(failedFor({ details: { shelf: 4 } }))).details)).toEqual({ shelf: 4 });
    expect(failureOf(http(failedFor({ details: { codec: "avro" } }))).details).toBeNull();
    expect(failureOf(http(failedFor({ details: { lone: "\ud800" } }))).details).toBeNull();
  });

  it("without a message gets one: the engine wants it", () => {
    expect(failureOf(http(failedFor({ message: "" }))).message).not.toBe("");
  });
});

describe("what is no result", () => {
  it.each<[string, unknown, number]>([
    ["a page", "<h1>s3cret</h1>", 200],
    ["nothing", "", 200],
    ["another document", { ok: true }, 200],
    ["another version", resultFor({ version: 2 }), 200],
    ["a bad request", { error: "invalid_invocable_request" }, 400],
    ["too much for its server", "", 413],
  ])("%s is malformed output, for good, with a preview", (_, document, status) => {
    const failure = failureOf(http(document, status));
    expect(failure).toMatchObject({ kind: "malformed_output", malformed_output: true, non_retryable: true });
    const details = decodePayload(failure.details) as { status: number; preview: string };
    expect(details.status).toBe(status);
    expect(JSON.stringify([failure.message, details])).not.toContain("s3cret");
  });

  it.each([
    [302, "redirect"],
    [401, "another than that of the mapping's auth_ref"],
    [403, "auth_ref names may not call it"],
    [404, "path of its URL"],
    [405, "takes no POST"],
    [415, "Fastify needs addContentTypeParser"],
  ])(
    "of status %i is a mistake of who deployed it: it may be retried, and says what is likely wrong",
    (status, cause) => {
      const failure = failureOf(http("<h1>no</h1>", status));
      expect(failure).toMatchObject({ kind: "malformed_output", malformed_output: true, non_retryable: false });
      expect(failure.message).toContain(cause);
    },
  );

  it("is shown in part", () => {
    const failure = failureOf(http("x".repeat(5_000)));
    expect((decodePayload(failure.details) as { preview: string }).preview).toHaveLength(1_000);
    expect(failure.message.length).toBeLessThan(500);
  });

  it("may be tried again with a status of the retry policy", () => {
    expect(failureOf(http("later", 503, true))).toMatchObject({ retryable: true, non_retryable: false });
  });

  it("is said to be unreadable when it is", () => {
    const body = { problem: "too_large" };
    const failure = failureOf(reportOf(task, { kind: "http", status: 200, temporary: false, body }, context).report);
    expect(failure.message).toContain("the body could not be read (too_large)");
  });
});

it.each<[DeliveryAnswer, object]>([
  [
    { kind: "timeout", limit: "start_to_close", afterMs: 1500 },
    {
      kind: "timeout",
      timeout_type: "deadline_exceeded",
      retryable: true,
      message: expect.stringContaining("1.5 s (start_to_close)"),
    },
  ],
  [
    { kind: "timeout", limit: "start_to_close", afterMs: 0 },
    {
      type: "CarrierTimeout",
      timeout_type: "deadline_exceeded",
      message: expect.stringMatching(
        /^The task's time was over \(start_to_close\) before it could be sent to the carrier /,
      ),
    },
  ],
  [
    { kind: "unreachable", why: "ECONNREFUSED", tries: 3 },
    { type: "CarrierUnreachable", retryable: true, message: expect.stringContaining("in 3 tries: ECONNREFUSED") },
  ],
  [
    { kind: "refused", code: "credential_unavailable", message: "the s3cret" },
    {
      type: "InvocableCarrierAuthUnavailable",
      kind: "application",
      retryable: true,
      message: expect.stringContaining("the [redacted]"),
    },
  ],
  [
    { kind: "refused", code: "address_refused", message: "the s3cret" },
    { type: "DeliveryRefused", retryable: true, message: expect.stringContaining("the [redacted]") },
  ],
])("reports %o", (answer, expected) => {
  expect(failureOf(reportOf(task, answer, context).report)).toMatchObject({ ...expected, details: null });
});

describe("a large blob", () => {
  const blob = "QUJD".repeat(LARGE_BLOB_BYTES / 4);
  const success = (text: string) => resultFor({ result: { payload: { codec: "avro", blob: text }, metadata: null } });
  const mapped = (document: unknown) =>
    reportOf(task, { kind: "http", status: 200, temporary: false, body: lean(document) }, context);

  it("of a result, or of a failure's details, stays bytes", () => {
    const completed = mapped(success(blob));
    expect([completed.report.kind, completed.large]).toEqual(["complete", { codec: "avro", bytes: Buffer.from(blob) }]);
    const failure = mapped(failedFor({ details: { codec: "avro", blob } }));
    expect([failure.report.kind, failure.large?.bytes.length]).toEqual(["fail", blob.length]);
  });

  it.each([
    ["elsewhere", { ...success("QUJD"), extra: { blob } }, { codec: "avro", blob: "QUJD" }],
    ["there and elsewhere", { ...success(blob), extra: { blob } }, { codec: "avro", blob }],
  ])("%s is put back where it was", (_, document, result) => {
    expect(mapped(document)).toEqual({ report: { kind: "complete", result }, large: undefined });
  });

  it("of details without a codec is encoded with them", () => {
    const { report, large } = mapped(failedFor({ details: { blob } }));
    expect(large).toBeUndefined();
    const { details } = failureOf(report);
    expect(details !== null && "blob" in details && decodePayload(details)).toEqual({ blob });
  });
});

describe("a process", () => {
  it.each<[string, number | null, unknown, object]>([
    ["0 with a result", 0, resultFor(), { kind: "complete" }],
    ["0 with a failure", 0, failedFor(), { failure: { type: "LampOffline" } }],
    ["1 with a failure", 1, failedFor(), { failure: { type: "LampOffline" } }],
    ["0 with nothing", 0, "", { failure: { kind: "malformed_output", non_retryable: true } }],
    ["64", 64, resultFor(), { failure: { kind: "malformed_output", non_retryable: true } }],
    ["70", 70, resultFor(), { failure: { kind: "handler_crash", retryable: true } }],
    ["75", 75, "", { failure: { kind: "application", type: "TemporaryFailure", retryable: true } }],
    ["130", 130, "", { failure: { kind: "cancellation", cancelled: true, non_retryable: true } }],
    ["1 with a result", 1, resultFor(), { failure: { kind: "handler_crash", retryable: true } }],
  ])("that exits with %s", (_, exitCode, document, expected) => {
    expect(run(exitCode, document)).toMatchObject(expected);
  });

  it("that was killed has crashed; what it wrote to standard error is shown, without credentials", () => {
    const failure = failureOf(run(null, "", { signal: "SIGSEGV" }));
    expect(failure).toMatchObject({ kind: "handler_crash", message: "The process of web was ended by SIGSEGV." });
    expect(decodePayload(failure.details)).toEqual({
      exit_code: null,
      signal: "SIGSEGV",
      stderr_preview: "a log line with [redacted]",
    });
  });
});

describe("the envelope", () => {
  it("has every field of the contract, headers that are never empty, and the mapping the engine sent", () => {
    const executor = { name: "dim", carrier: { name: "web" } };
    const mapped = leasedTask({ externalExecutor: executor, executionId: null, connection: "redis" });
    const envelope = activityTaskEnvelope(mapped, { renewedBy: "d", traceparent: "00-1-2-01" });
    expect(parseExternalTaskInput(envelope)).toMatchObject({
      task: { externalExecutor: executor, connection: "redis", idempotencyKey: "ATTEMPT-7" },
      lease: { renewedBy: "d" },
      headers: { traceparent: "00-1-2-01" },
    });
    expect("external_executor" in activityTaskEnvelope(task, { renewedBy: "d", traceparent: "t" }).task).toBe(false);
  });

  it("names the handler of the sender's own mapping, where that is not the activity's type", () => {
    const executorOf = (from: typeof task, mappedTo: string): unknown =>
      activityTaskEnvelope(from, { renewedBy: "d", traceparent: "t", mappedTo }).task.external_executor;
    expect(executorOf(task, "lamps.own")).toEqual({ handler: "lamps.own" });
    expect(executorOf(task, task.activityType)).toBeUndefined();
    // What the engine says stays as it is.
    const externalExecutor = { handler: "lamps.engine" };
    expect(executorOf(leasedTask({ externalExecutor }), "lamps.own")).toEqual(externalExecutor);
  });
});
