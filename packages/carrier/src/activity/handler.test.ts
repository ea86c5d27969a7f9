import { describe, expect, it, vi } from "vitest";
import { activityTaskEnvelope, type Changes, withField, workflowTaskEnvelope } from "../../test/support/envelopes.js";
import { FakeClock, NOON } from "../../test/support/fake-clock.js";
import { type AvroValue, avroDouble, decodePayload, encodeAvroValue, payloadEnvelope } from "../payload/index.js";
import {
  type ActivityTaskInputEnvelope,
  ExternalTaskInputError,
  externalTaskResultViolations,
  type InvocableResultEnvelope,
} from "../protocol/index.js";
import { recordingLogger } from "../testing/recording-logger.js";
import type { ActivityFunction } from "./definition/registry.js";
import { handleInvocableActivity, InvocableActivityHandler } from "./handler.js";

const clock = new FakeClock();

function run(
  handler: ActivityFunction,
  changes: Changes<ActivityTaskInputEnvelope> = {},
): Promise<InvocableResultEnvelope> {
  return handleInvocableActivity(activityTaskEnvelope(changes), { "lamps.dim": handler }, { clock });
}

/** A task with this as its `payloads.arguments`. */
function withArguments(payload: unknown): Changes<ActivityTaskInputEnvelope> {
  return { payloads: { arguments: payload as ActivityTaskInputEnvelope["payloads"]["arguments"] } };
}

function detailsOf(result: InvocableResultEnvelope): AvroValue | undefined {
  return "failure" in result && result.failure.details !== null ? decodePayload(result.failure.details) : undefined;
}

function valueOf(result: InvocableResultEnvelope): AvroValue | undefined {
  return "result" in result && result.result?.payload ? decodePayload(result.result.payload) : undefined;
}

describe("a success", () => {
  it("does not depend on what else stands in the envelope of its arguments", async () => {
    const payload = { ...payloadEnvelope(["lamp-7"]), classification: "cancelled", type: "Forged", retryable: false };
    expect(valueOf(await run((lamp: string) => lamp, withArguments(payload)))).toBe("lamp-7");
  });

  it("is a whole envelope, field by field", async () => {
    const result = await run(async (lamp: string, level: number) => `${lamp} at ${level}`);
    expect(result).toEqual({
      schema: "durable-workflow.v2.external-task-result",
      version: 1,
      outcome: { status: "succeeded", recorded: true },
      task: { id: "task-lamp-7", kind: "activity_task", attempt: 2, idempotency_key: "execution-lamp-7" },
      result: {
        payload: { codec: "avro", blob: encodeAvroValue("lamp-7 at 3") },
        metadata: { content_type: "application/vnd.durable-workflow.result+json" },
      },
      metadata: { handler: "lamps.dim", carrier: "typescript-invocable", duration_ms: 0 },
    });
  });

  it.each([
    [undefined, null],
    [null, null],
    [7, 7],
    [avroDouble(7), 7],
    [-0, -0],
    ["", ""],
    [[], []],
    [{}, {}],
    [{ left: undefined, out: [undefined] }, { out: [null] }],
    [2n ** 63n - 1n, 2n ** 63n - 1n],
    [Uint8Array.of(1), Uint8Array.of(1)],
  ] as const)("holds what was returned: %o", async (value, decoded) => {
    for (const handler of [() => value, async () => value]) {
      const result = await run(handler);
      expect("result" in result && decodePayload(result.result?.payload)).toEqual(decoded);
    }
  });

  it.each([
    ["a list", payloadEnvelope(["a", 2]), ["a", 2]],
    ["an empty list", payloadEnvelope([]), []],
    ["a list in a list", payloadEnvelope([[1, 2]]), [[1, 2]]],
    ["a list of null", payloadEnvelope([null]), [null]],
    ["a decoded null", payloadEnvelope(null), []],
    ["no payload", null, []],
    ["text", payloadEnvelope("a"), ["a"]],
    ["false", payloadEnvelope(false), [false]],
    ["bytes", payloadEnvelope(Uint8Array.of(1, 2)), [Uint8Array.of(1, 2)]],
    ["a map with numbers as keys", payloadEnvelope({ 0: "a", length: 1 }), [{ 0: "a", length: 1 }]],
  ])("got its arguments from %s", async (_, payload, expected) => {
    const handler = vi.fn<(...args: unknown[]) => void>();
    await run(handler, withArguments(payload));
    expect(handler).toHaveBeenCalledExactlyOnceWith(...expected);
  });

  it("lets a map with `__proto__` in it reach the handler as data, and come back", async () => {
    const map = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as Record<string, unknown>;
    const result = await run(
      (value: object) => {
        expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
        return value;
      },
      withArguments(payloadEnvelope(map)),
    );
    expect("result" in result && result.result?.payload).toEqual(payloadEnvelope(map));
  });

  it("may be the answer to the same task more than once", async () => {
    const carrier = new InvocableActivityHandler({ "lamps.dim": (...args: unknown[]) => args.length }, { clock });
    const [first, second] = await Promise.all([1, 2].map(() => carrier.handle(activityTaskEnvelope())));
    expect(first).toEqual(second);
  });

  it("does not change the envelope it was made from", async () => {
    const envelope = activityTaskEnvelope();
    const before = structuredClone(envelope);
    await handleInvocableActivity(envelope, { "lamps.dim": (args: unknown[]) => args }, { clock });
    expect(envelope).toEqual(before);
  });

  it("warns through the logger of a payload that servers hardly take", async () => {
    const logger = recordingLogger();
    const handlers = { "lamps.dim": () => "x".repeat(1_500_000) };
    await handleInvocableActivity(activityTaskEnvelope(), handlers, { clock, logger });
    expect(logger.lines).toEqual([
      { level: "warn", fields: { payload_bytes: 2_000_020, limit_bytes: 2_097_152 }, message: expect.any(String) },
    ]);
  });
});

describe("metadata", () => {
  it("names the handler and the carrier, and measures with the steady clock", async () => {
    const time = new FakeClock();
    const carrier = new InvocableActivityHandler(
      {
        "lamps.dim": () => {
          time.block(1234.4);
          // Somebody sets the clock back meanwhile.
          time.setWallClock(NOON - 60_000);
        },
      },
      { carrier: "cellar", clock: time },
    );
    expect(await carrier.handle(activityTaskEnvelope())).toMatchObject({
      outcome: { status: "succeeded" },
      metadata: { handler: "lamps.dim", carrier: "cellar", duration_ms: 1234 },
    });
    expect(carrier.carrier).toBe("cellar");
  });

  it("never has a negative duration, whatever the clock says", async () => {
    let reading = 100;
    const backwards = Object.assign(new FakeClock(), { monotonic: () => (reading -= 10) });
    const result = await handleInvocableActivity(
      activityTaskEnvelope(),
      { "lamps.dim": () => 1 },
      { clock: backwards },
    );
    expect(result.metadata.duration_ms).toBe(0);
  });

  it("has the handler's name of tasks that were refused, and null where there is none", async () => {
    expect((await run(() => 1, { task: { handler: "other" } })).metadata.handler).toBe("other");
    const workflow = await handleInvocableActivity(workflowTaskEnvelope({ task: { handler: null } }), {}, { clock });
    expect(workflow.metadata.handler).toBeNull();
  });
});

const PAST = "2999-06-01T11:59:59Z";
const FAILED = { status: "failed", recorded: true };
const BROKEN = { codec: "avro", blob: "*" };

const REFUSED_CODECS = [
  [{ codec: "json", blob: "[]" }, "json"],
  [{ codec: "", blob: "" }, ""],
  [{ blob: encodeAvroValue(1) }, null],
  [{ codec: null, blob: "" }, null],
  [{ codec: ["avro"], blob: encodeAvroValue(1) }, null],
  [{}, null],
  [{ codec: "json", external_storage: { uri: "s3://b/k" } }, "json"],
  [{ external_storage: { uri: "s3://b/k" } }, null],
  [{ codec: "j".repeat(100), blob: "" }, "j".repeat(80)],
  [{ codec: "\ud800", blob: "" }, "\ufffd"],
] as const;

const REFERENCES = [
  [{ uri: "s3://bucket/key?secret=1" }],
  [{ uri: "azure-blob://container/key" }],
  [{ uri: "file:///etc/passwd" }],
  [{ uri: "no scheme, but a secret" }],
  [{ uri: "?secret: 1" }],
  [{ uri: "" }],
  [{ uri: `${"s".repeat(60)}://bucket` }],
  [{ uri: 7 }],
  [{ uri: { toString: 1, valueOf: 2 } }],
  [{ uri: ["s3://bucket"] }],
  [{}],
  [[]],
  [null],
  ["s3://bucket/key"],
  [7],
] as const;

describe("a task that is refused before its handler runs", () => {
  it.each(REFUSED_CODECS)("has an unsupported codec: %j", async (payload, codec) => {
    const handler = vi.fn<ActivityFunction>();
    const result = await run(handler, withArguments(payload));
    expect(result).toMatchObject({
      outcome: { ...FAILED, retryable: false },
      failure: {
        kind: "unsupported_payload",
        classification: "unsupported_payload_codec",
        type: "UnsupportedPayloadCodec",
        message: expect.stringContaining('codec must be "avro"'),
        stack_trace: null,
        timeout_type: null,
        cancelled: false,
      },
    });
    expect(detailsOf(result)).toEqual({ codec });
    expect(handler).not.toHaveBeenCalled();
  });

  it.each(REFERENCES)("has its arguments where no driver reaches: %j", async (reference) => {
    const result = await run(() => 1, withArguments({ codec: "avro", external_storage: reference }));
    expect(result).toMatchObject({
      outcome: { ...FAILED, retryable: false },
      failure: {
        kind: "unsupported_payload",
        classification: "unsupported_payload_reference",
        type: "UnsupportedPayloadReference",
        message: expect.stringContaining("needs externalStorage"),
      },
    });
    expect(detailsOf(result)).toEqual({ reason: "no_driver" });
    expect(JSON.stringify(result)).not.toMatch(/secret|passwd/);
  });

  it("has a reference that is nested as deep as JSON goes", async () => {
    const uri: unknown = JSON.parse(`${"[".repeat(20_000)}${"]".repeat(20_000)}`);
    const result = await run(() => 1, withArguments({ codec: "avro", external_storage: { uri } }));
    expect(result).toMatchObject({ failure: { classification: "unsupported_payload_reference" } });
  });

  it.each([
    ["no blob", { codec: "avro" }, "invalid_payload_framing"],
    ["a blob that is no text", { codec: "avro", blob: 7 }, "invalid_payload_framing"],
    ["no base64", BROKEN, "invalid_payload_framing"],
    ["another schema", { codec: "avro", blob: "wwHjoz3/VYAiNwA=" }, "unsupported_payload_schema"],
    ["an unframed value", { codec: "avro", blob: "AAAA" }, "invalid_payload_framing"],
  ])("has arguments that do not decode: %s", async (_, payload, code) => {
    const result = await run(() => 1, withArguments(payload));
    expect(result).toMatchObject({
      outcome: { ...FAILED, retryable: false },
      failure: {
        kind: "decode_failure",
        classification: "decode_failure",
        type: "PayloadDecodeFailure",
        message: expect.stringMatching(new RegExp(`^The arguments do not decode: ${code}: `)),
        stack_trace: null,
        cancelled: false,
      },
    });
    expect(detailsOf(result)).toEqual({ code });
  });

  it("reads a blob even where there is a reference too", async () => {
    const both = { ...payloadEnvelope([1]), external_storage: { uri: "s3://b/k" } };
    expect(await run((value: number) => value, withArguments(both))).toMatchObject({
      outcome: { status: "succeeded" },
    });
  });

  it("is a workflow's, whatever else is wrong with it", async () => {
    const envelope = workflowTaskEnvelope({ lease: { expires_at: "soon" }, payloads: { arguments: BROKEN } });
    expect(await handleInvocableActivity(envelope, {}, { clock })).toMatchObject({
      task: { id: "task-evening-4", kind: "workflow_task", attempt: 1, idempotency_key: "task-evening-4:1" },
      outcome: { ...FAILED, retryable: false },
      failure: {
        kind: "application",
        classification: "application_error",
        type: "UnsupportedExternalTaskKind",
        message: "Invocable carriers only accept activity_task, got workflow_task.",
      },
    });
  });

  // Each task has all that is wrong with the ones below it, too.
  it.each([
    [
      "no handler",
      { task: { handler: "x" }, lease: { expires_at: "soon" }, deadlines: { heartbeat: PAST } },
      "UnknownActivityHandler",
    ],
    ["an unreadable deadline", { lease: { expires_at: PAST }, deadlines: { heartbeat: "soon" } }, "UnreadableDeadline"],
    ["a deadline that is past", { deadlines: { heartbeat: PAST } }, "ExternalTaskDeadlineExceeded"],
    ["broken arguments", {}, "PayloadDecodeFailure"],
  ])("is refused for the first thing wrong with it: %s", async (_, changes, type) => {
    const handler = vi.fn<ActivityFunction>();
    const result = await handleInvocableActivity(
      activityTaskEnvelope({ ...changes, ...withArguments(BROKEN) }),
      { "lamps.dim": handler },
      { clock, signal: AbortSignal.abort() },
    );
    expect(result).toMatchObject({ failure: { type } });
    expect(handler).not.toHaveBeenCalled();
  });
});

describe("the handler of a task", () => {
  const dim = (): string => "dimmed";
  const sent = (handler: string, external_executor?: Record<string, unknown> | null): object =>
    activityTaskEnvelope({ task: { handler, ...(external_executor === undefined ? {} : { external_executor }) } });

  it("is found by the handler of its mapping where the type is not known", async () => {
    const result = await handleInvocableActivity(sent("Lamps.Dim", { handler: "lamps.dim" }), { "lamps.dim": dim });
    expect(valueOf(result)).toBe("dimmed");
    // What it was called for stays its name.
    expect(result).toMatchObject({ outcome: { status: "succeeded" }, metadata: { handler: "Lamps.Dim" } });
  });

  it("is that of its type where both are known", async () => {
    const handlers = { "lamps.dim": dim, "lamps.light": () => "lit" };
    const result = await handleInvocableActivity(sent("lamps.light", { handler: "lamps.dim" }), handlers);
    expect(valueOf(result)).toBe("lit");
  });

  it.each([[null], [{}], [{ handler: 5 }], [{ handler: "lamps.burn" }], [{ handler: "toString" }]])(
    "is unknown where neither leads to one: %j",
    async (mapping) => {
      const result = await handleInvocableActivity(sent("Lamps.Dim", mapping), { "lamps.dim": dim });
      expect(result).toMatchObject({ failure: { type: "UnknownActivityHandler" } });
    },
  );
});

describe("an envelope that violates the contract", () => {
  it.each([
    ["", null, "the document must be an object, got null"],
    ["task.attempt", true, "task.attempt must be an integer >= 1, got true"],
    ["deadlines", undefined, "deadlines must be an object, got nothing"],
  ])("rejects: %j is %j", async (path, value, message) => {
    const envelope = path === "" ? value : withField(activityTaskEnvelope(), path, value);
    const handled = handleInvocableActivity(envelope, {}, { clock });
    await expect(handled).rejects.toThrow(ExternalTaskInputError);
    await expect(handled).rejects.toThrow(message);
  });

  it("rejects with a TypeError for handlers that are none", async () => {
    await expect(handleInvocableActivity(activityTaskEnvelope(), { "lamps.dim": 7 as never })).rejects.toThrow(
      TypeError,
    );
  });
});

const ANY_RESULT: readonly (readonly [string, () => unknown, Changes<ActivityTaskInputEnvelope>])[] = [
  ["success", () => 1, {}],
  ["thrown", () => Promise.reject(new Error("no")), {}],
  ["unencodable", () => Symbol("x"), {}],
  ["unknown", () => 1, { task: { handler: "x" } }],
  ["past", () => 1, { deadlines: { heartbeat: PAST } }],
  ["unreadable", () => 1, { deadlines: { heartbeat: "" } }],
  ["undecodable", () => 1, withArguments(BROKEN)],
  ["odd identity", () => 1, { task: { id: "", attempt: Number.MAX_SAFE_INTEGER, idempotency_key: "\ud800" } }],
];

describe("every result", () => {
  it.each(ANY_RESULT)("keeps to the result contract and speaks for its task: %s", async (_, handler, changes) => {
    const result: unknown = JSON.parse(JSON.stringify(await run(handler, changes)));
    expect(externalTaskResultViolations(result)).toEqual([]);
    const { id, kind, attempt, idempotency_key } = activityTaskEnvelope(changes).task;
    expect(result).toMatchObject({ task: { id, kind, attempt, idempotency_key } });
  });
});
