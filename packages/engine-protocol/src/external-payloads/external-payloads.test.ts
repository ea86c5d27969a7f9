import { describe, expect, it } from "vitest";
import { isReason, REASONS } from "../reasons.js";
import {
  COMPLETION_CONTEXT_SCHEMA,
  completionContext,
  isPayloadRefusal,
  isSameReference,
  LONGEST_COMPLETION_CONTEXT,
  metadataOf,
  PAYLOAD_COMPLETION_HEADER,
  PAYLOAD_ERROR_SCHEMA,
  PAYLOAD_FETCH_TEMPLATE,
  PAYLOAD_REFUSALS,
  PAYLOAD_UPLOAD_SCHEMA,
  payloadHeaders,
  type RuntimePayloadReference,
  readCompletionContext,
  readPayloadError,
  readPayloadSize,
  readPayloadTransport,
  readRuntimePayloadEnvelope,
  readRuntimePayloadReference,
  readSha256,
  readUploadAnswer,
  runtimePayloadEnvelope,
  writeCompletionContext,
} from "./index.js";

const HASH = "c68d6a353aa039885217afd2b6ad23b4c9348b87e87dd2c8cff9296dd703d361";
const REFERENCE: RuntimePayloadReference = {
  schema: "durable-workflow.v2.runtime-external-payload-reference.v1",
  reference_id: "ep_01JZ8Q9V7N3M5K2H4G6F8D0C1B",
  codec: "avro",
  size_bytes: 4020,
  sha256: HASH,
};
const pathsOf = (read: { readonly violations?: readonly { readonly path: string }[] }): readonly string[] =>
  (read.violations ?? []).map(({ path }) => path);

describe("a reference", () => {
  it("is read, and its hash is lower case from there on", () => {
    expect(readRuntimePayloadReference(REFERENCE)).toEqual({ reference: REFERENCE });
    expect(readRuntimePayloadReference({ ...REFERENCE, sha256: HASH.toUpperCase() }).reference).toEqual(REFERENCE);
    expect(readRuntimePayloadReference({ ...REFERENCE, size_bytes: 0 }).reference?.size_bytes).toBe(0);
  });

  it.each([
    ["schema", "durable-workflow.v2.external-payload-reference.v1"],
    ["reference_id", "ep_01jz8q9v7n3m5k2h4g6f8d0c1b"],
    ["reference_id", "ep_01JZ8Q9V7N3M5K2H4G6F8D0C1"],
    ["reference_id", "ep_01JZ8Q9V7N3M5K2H4G6F8D0C1BX"],
    ["reference_id", "ep_01JZ8Q9V7N3M5K2H4G6F8D0C1I"],
    ["reference_id", "ep_01JZ8Q9V7N3M5K2H4G6F8D0C1B\n"],
    ["reference_id", "../../etc/passwd"],
    ["reference_id", 7],
    ["codec", "json"],
    ["codec", null],
    ["size_bytes", -1],
    ["size_bytes", 1.5],
    ["size_bytes", "4020"],
    ["size_bytes", 2 ** 53],
    ["sha256", HASH.slice(1)],
    ["sha256", `${HASH}\n`],
    ["sha256", null],
  ])("is refused with %s %j", (field, value) => {
    expect(pathsOf(readRuntimePayloadReference({ ...REFERENCE, [field]: value }))).toEqual([field]);
    const { [field as keyof RuntimePayloadReference]: _, ...without } = REFERENCE;
    expect(pathsOf(readRuntimePayloadReference(without))).toEqual([field]);
  });

  it("has its five keys and no others", () => {
    expect(pathsOf(readRuntimePayloadReference({ ...REFERENCE, uri: "s3://b/k" }, "input"))).toEqual(["input"]);
  });

  it.each([null, [], "ep_", 7, undefined])("is not %j", (value) => {
    expect(pathsOf(readRuntimePayloadReference(value))).toEqual([""]);
  });

  it("is the same only in all of its parts", () => {
    expect(isSameReference(REFERENCE, { ...REFERENCE })).toBe(true);
    expect(isSameReference(REFERENCE, { ...REFERENCE, size_bytes: 1 })).toBe(false);
    expect(isSameReference(REFERENCE, { ...REFERENCE, sha256: HASH.replace("c", "d") })).toBe(false);
  });
});

describe("an envelope with a reference", () => {
  it("is read", () => {
    expect(readRuntimePayloadEnvelope(runtimePayloadEnvelope(REFERENCE))).toEqual({ reference: REFERENCE });
  });

  it.each([
    [{ codec: "json", external_payload: REFERENCE }, "external_payload_integrity_mismatch", "input.codec"],
    [{ external_payload: REFERENCE }, "external_payload_integrity_mismatch", "input.codec"],
    [{ codec: "avro", external_payload: REFERENCE, blob: "" }, "external_payload_unsupported", "input"],
    [{ codec: "avro", external_payload: null }, "external_payload_unsupported", "input.external_payload"],
    [{ codec: "avro", blob: "AA==" }, "external_payload_unsupported", "input"],
    [[REFERENCE], "external_payload_unsupported", "input"],
  ])("%j is refused as %s", (value, refusal, path) => {
    const read = readRuntimePayloadEnvelope(value, "input");
    expect(read.refusal).toBe(refusal);
    expect(read.refusal === undefined ? [] : read.violations.map((one) => one.path)).toContain(path);
  });
});

describe("headers", () => {
  it("say codec, size and hash", () => {
    expect(payloadHeaders(metadataOf(REFERENCE))).toEqual({
      "X-Durable-Workflow-Payload-Codec": "avro",
      "X-Durable-Workflow-Payload-Size": "4020",
      "X-Durable-Workflow-Payload-SHA256": HASH,
    });
  });

  it.each(["", "-1", "+1", "01", "1.5", "1e3", "0x10", " 1", "1\n", "99999999999999999", undefined])(
    "no size: %j",
    (text) => {
      expect(readPayloadSize(text)).toBeUndefined();
    },
  );

  it("sizes and hashes are read", () => {
    expect([readPayloadSize("0"), readPayloadSize("67108864")]).toEqual([0, 67_108_864]);
    expect([readSha256(HASH.toUpperCase()), readSha256("c6"), readSha256(7)]).toEqual([HASH, undefined, undefined]);
  });
});

describe("the answer to an upload", () => {
  const answer = { schema: PAYLOAD_UPLOAD_SCHEMA, transport_version: 1, reference: REFERENCE };
  it("is held against what was uploaded", () => {
    expect(readUploadAnswer(answer, metadataOf(REFERENCE))).toEqual({ reference: REFERENCE });
    expect(pathsOf(readUploadAnswer(answer, { codec: "json", sizeBytes: 1, sha256: "x" }))).toEqual([
      "reference.codec",
      "reference.size_bytes",
      "reference.sha256",
    ]);
  });

  it.each([
    [{ ...answer, schema: "x" }, "schema"],
    [{ ...answer, transport_version: 2 }, "transport_version"],
    [{ ...answer, reference: null }, "reference"],
    [{ ...answer, reference: { ...REFERENCE, reference_id: "ep_" } }, "reference.reference_id"],
    [[], ""],
    [null, ""],
  ])("%j is refused", (value, path) => {
    expect(pathsOf(readUploadAnswer(value, metadataOf(REFERENCE)))).toContain(path);
  });
});

describe("a refusal", () => {
  it.each(Object.keys(PAYLOAD_REFUSALS))("%s has a meaning", (reason) => {
    expect(isReason(reason)).toBe(true);
    expect(isPayloadRefusal(reason)).toBe(true);
  });

  it("every reason of payloads has a status", () => {
    for (const reason of Object.keys(REASONS).filter((one) => one.startsWith("external_payload_"))) {
      expect(isPayloadRefusal(reason), reason).toBe(true);
    }
  });

  it.each([
    [
      { schema: PAYLOAD_ERROR_SCHEMA, reason: "external_payload_expired", message: "gone", retryable: false },
      false,
      "gone",
    ],
    [{ reason: "external_payload_unavailable", error: "down" }, true, "down"],
    [{ reason: "external_payload_storage_unavailable" }, true, ""],
    [{ reason: "external_payload_integrity_failed" }, false, ""],
    [{ schema: PAYLOAD_ERROR_SCHEMA, reason: "of_tomorrow", retryable: true }, true, ""],
    [{ schema: PAYLOAD_ERROR_SCHEMA, reason: "constructor" }, false, ""],
  ])("%j", (body, retryable, message) => {
    expect(readPayloadError(body)).toEqual({ reason: body.reason, retryable, message });
  });

  it.each([null, [], {}, { reason: "stale_attempt" }, { schema: PAYLOAD_ERROR_SCHEMA }])("not %j", (body) => {
    expect(readPayloadError(body)).toBeUndefined();
  });
});

describe("the context of a completion", () => {
  const context = completionContext({ taskId: "t", attemptId: "a", leaseOwner: "w" }, "complete");

  it.each(["complete", "fail"] as const)("of %s is read as it was written", (operation) => {
    const one = completionContext({ taskId: "t", attemptId: "a\u00e9\u{1f600}", leaseOwner: "w" }, operation);
    const text = writeCompletionContext(one);
    expect(text).toMatch(/^[ -~]+$/);
    expect(readCompletionContext(text)).toEqual({ context: one });
  });

  it.each([
    ["schema", "x"],
    ["kind", "workflow"],
    ["task_id", ""],
    ["attempt", "a\u0000"],
    ["attempt", "\u00e9".repeat(128)],
    ["lease_owner", 7],
    ["operation", "heartbeat"],
    ["slot", ["failure", "details"]],
    ["slot", "result"],
    ["slot", []],
  ])("is refused with %s %j", (key, value) => {
    const read = readCompletionContext(JSON.stringify({ ...context, [key]: value }));
    expect(pathsOf(read)).toContain(key);
  });

  it.each(["", "null", "[]", "{", JSON.stringify({ ...context, more: 1 }), " ".repeat(LONGEST_COMPLETION_CONTEXT + 1)])(
    "is not %j",
    (text) => {
      expect(pathsOf(readCompletionContext(text))).not.toEqual([]);
    },
  );
});

describe("the manifest", () => {
  const transport = {
    schema: "durable-workflow.v2.runtime-external-payload-transport.v1",
    version: 1,
    reference_schema: REFERENCE.schema,
    mode: "authenticated_namespace_runtime",
    upload: {
      method: "POST",
      path: "/api/external-payloads/v1",
      completion_context: { schema: COMPLETION_CONTEXT_SCHEMA, header: PAYLOAD_COMPLETION_HEADER.toLowerCase() },
    },
    fetch: { method: "GET", path_template: "/api/external-payloads/v1/{referenceId}" },
    limits: { max_payload_bytes: 100, request_timeout_seconds: 0.5 },
  };
  const info = (storage: object, flag?: unknown): object => ({
    namespace: { external_payload_storage: { status: "available", threshold_bytes: 100, transport, ...storage } },
    worker_protocol: { server_capabilities: { runtime_external_payload_transport: flag } },
  });

  it("is read", () => {
    expect(PAYLOAD_FETCH_TEMPLATE).toBe(transport.fetch.path_template);
    expect(readPayloadTransport(info({}))).toEqual({
      transport: {
        thresholdBytes: 100,
        maxPayloadBytes: 100,
        requestTimeoutSeconds: 0.5,
        takesUploads: true,
        status: "available",
        takesCompletionContext: true,
      },
    });
  });

  it("without uploads while the storage has a problem", () => {
    const { transport: read } = readPayloadTransport(info({ status: "driver_unavailable" }));
    expect(read).toMatchObject({ takesUploads: false, status: "driver_unavailable" });
  });

  it.each([
    {},
    null,
    [],
    { namespace: null },
    info({ transport: { schema: "x" } }),
    info({ transport: null }, transport),
  ])("there is none in %j", (value) => {
    expect(readPayloadTransport(value)).toEqual({ transport: null });
  });

  it.each([
    [info({ transport: null }, true), "transport.schema"],
    [info({ transport: { schema: "x" } }, true), "transport.schema"],
    [info({ transport: { ...transport, version: 2 } }), "transport.version"],
    [info({ transport: { ...transport, mode: "direct" } }), "transport.mode"],
    [
      info({ transport: { ...transport, upload: { method: "PUT", path: "/api/external-payloads/v1" } } }),
      "transport.upload.method",
    ],
    [
      info({ transport: { ...transport, fetch: { method: "GET", path_template: "/x" } } }),
      "transport.fetch.path_template",
    ],
    [info({ threshold_bytes: 0 }), "threshold_bytes"],
    [info({ threshold_bytes: 101 }), "transport.limits.max_payload_bytes"],
    [
      info({ transport: { ...transport, limits: { max_payload_bytes: 100, request_timeout_seconds: 0 } } }),
      "transport.limits.request_timeout_seconds",
    ],
  ])("cannot be spoken: %j", (value, path) => {
    const read = readPayloadTransport(value);
    expect(read.transport).toBeUndefined();
    expect(pathsOf(read)).toContain(`namespace.external_payload_storage.${path}`);
  });
});
