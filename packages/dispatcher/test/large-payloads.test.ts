import { decodePayload, payloadEnvelope } from "@durable-workflow/carrier/payload";
import { awakeClock } from "@durable-workflow/test-support/clock";
import { afterEach, describe, expect, it } from "vitest";
import type { DispatcherOptions } from "../src/dispatch/options.js";
import {
  DONE,
  type ForeignCarrier,
  type ForeignHandler,
  failureFor,
  type Json,
  startForeignCarrier,
} from "./support/foreign-carrier.js";
import { PayloadTransport, type Reference, refuseWith, sha256 } from "./support/payload-transport.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import {
  type Execution,
  ScriptedEngine,
  type ScriptedEngineOptions,
  type ScriptedSpec,
} from "./support/scripted-engine.js";

// A dispatcher between an engine that keeps large payloads and a carrier that knows nothing of them.

const LARGE = payloadEnvelope(["x".repeat(300_000)]);
const BLOB = Buffer.from(LARGE.blob);

let payloads: PayloadTransport;
let engine: ScriptedEngine;
let carrier: ForeignCarrier;
let running: Running;

async function begin({
  handle,
  engineOptions,
  ...options
}: DispatcherOptions & {
  readonly handle?: ForeignHandler;
  readonly engineOptions?: ScriptedEngineOptions;
} = {}): Promise<void> {
  payloads = new PayloadTransport();
  engine = new ScriptedEngine({ payloads, ...engineOptions });
  await engine.start();
  carrier = await startForeignCarrier(handle);
  running = await startDispatcher(engine, { config: oneCarrier(carrier.url, ["t"]), ...options });
}

afterEach(async () => {
  payloads.fault = () => false;
  await running.dispatcher.drain();
  await carrier.close();
  await engine.stop();
});

const by = (reference: Reference): Json => ({ codec: "avro", external_payload: reference });

async function ends(spec: Partial<ScriptedSpec>): Promise<Execution> {
  const execution = engine.schedule({ type: "t", ...spec });
  await engine.untilStatus(execution, "completed", "failed");
  return execution;
}

/** A carrier that says later at some of its tries, which are counted from 1. */
function laterAt(isLater: (tries: number) => boolean): ForeignHandler {
  let tries = 0;
  return (_, response) => {
    if (!isLater(++tries)) return DONE;
    response.writeHead(503, { "retry-after": "0" }).end("later");
    return undefined;
  };
}

const outcomeOf = (execution: Execution): Json => execution.outcomes.at(-1)?.body ?? {};

describe("arguments by reference", () => {
  it("reach the carrier inline, in an envelope as any other", async () => {
    await begin();
    await ends({ arguments: by(payloads.put(BLOB)) });
    await ends({ arguments: { ...LARGE } });
    const [fetched, inline] = carrier.received.map(({ envelope }) => envelope);
    expect(fetched?.["payloads"]).toEqual({ arguments: { ...LARGE } });
    expect(Object.keys(fetched ?? {})).toEqual(Object.keys(inline ?? {}));
    expect(carrier.received[0]?.headers["content-length"]).toMatch(/^\d+$/);
    expect(running.eventsOf("payload_moved")).toMatchObject([{ direction: "fetched", bytes: BLOB.length }]);
  });

  it("are sent whole again when the carrier says later", async () => {
    await begin({ handle: laterAt((tries) => tries === 1) });
    await ends({ arguments: by(payloads.put(BLOB)) });
    expect(carrier.received.map(({ envelope }) => envelope["payloads"].arguments.blob.length)).toEqual([
      BLOB.length,
      BLOB.length,
    ]);
    expect(payloads.callsOf("GET").length).toBe(1);
  });

  it("reach a command on its standard input", async () => {
    await begin();
    const script = `let text = "";
      process.stdin.on("data", (c) => text += c).on("end", () => {
        const { task, payloads } = JSON.parse(text);
        const identity = { id: task.id, kind: task.kind, attempt: task.attempt, idempotency_key: task.idempotency_key };
        console.log(JSON.stringify({ schema: "durable-workflow.v2.external-task-result", version: 1,
          outcome: { status: "succeeded", recorded: true }, task: identity,
          result: { payload: payloads.arguments, metadata: {} }, metadata: {} }));
      });`;
    const config = oneCarrier(carrier.url, ["t"]);
    config["carriers"] = { web: { type: "process", command: [process.execPath, "-e", script] } };
    const other = await startDispatcher(engine, { config });
    await running.dispatcher.drain();
    running = other;
    const execution = await ends({ arguments: by(payloads.put(BLOB)) });
    expect(outcomeOf(execution)["result"]).toEqual(by(payloads.put(BLOB)));
  });

  it.each([
    ["external_payload_not_found", 404, "ExternalPayloadNotFound"],
    ["external_payload_expired", 410, "ExternalPayloadExpired"],
    ["external_payload_integrity_mismatch", 422, "ExternalPayloadIntegrityMismatch"],
    ["external_payload_unsupported", 415, "ExternalPayloadUnsupported"],
    ["external_payload_oversized", 413, "ExternalPayloadOversized"],
    ["external_payload_unauthorized", 403, "ExternalPayloadUnauthorized"],
  ])("that are refused with %s end the activity at its first attempt, by that name", async (reason, status, type) => {
    await begin();
    payloads.fault = (_, response) => refuseWith(response, status, reason);
    const execution = await ends({ arguments: by(payloads.put(BLOB)), maxAttempts: 5 });
    expect(execution.outcomes.length).toBe(1);
    expect(outcomeOf(execution)["failure"]).toMatchObject({
      type,
      message: `The activity's arguments could not be fetched (${reason}): about ${reason}.`,
      non_retryable: true,
      details: null,
    });
    expect(carrier.received).toEqual([]);
    expect(running.eventsOf("payload_refused")).toMatchObject([{ direction: "fetch", reason }]);
    expect(running.dispatcher.health().carriers[0]?.state).toBe("closed");
  });

  it("wait for an engine that is out of order, with the lease kept alive, and burn no attempt", async () => {
    await begin({ engineOptions: { leaseMs: 1_500 } });
    const reference = payloads.put(BLOB);
    let until = Number.POSITIVE_INFINITY;
    payloads.fault = (_, response) =>
      awakeClock.monotonic() < until && refuseWith(response, 503, "external_payload_unavailable", { retryable: true });
    const execution = engine.schedule({ type: "t", arguments: by(reference), maxAttempts: 1 });
    await running.until(() => running.eventsOf("payload_retried").length > 0);
    until = awakeClock.monotonic() + 3_000;
    await engine.untilStatus(execution, "completed", "failed");
    expect([execution.status, execution.attempts.length]).toEqual(["completed", 1]);
    expect(execution.heartbeats).toBeGreaterThan(1);
  });

  it("that cannot be had in time are not reported: the engine has the last word", async () => {
    await begin();
    payloads.fault = (_, response) => refuseWith(response, 503, "external_payload_unavailable", { retryable: true });
    const execution = engine.schedule({ type: "t", arguments: by(payloads.put(BLOB)), startToCloseMs: 700 });
    await running.until(() => running.eventsOf("task_ended").length > 0);
    expect(running.eventsOf("task_ended")[0]).toMatchObject({ end: "lost" });
    expect([execution.status, execution.outcomes.length]).toEqual(["running", 0]);
  });

  it("are not fetched to the end when the activity is cancelled", async () => {
    await begin({ engineOptions: { leaseMs: 1_000 } });
    payloads.fault = () => true;
    const execution = engine.schedule({ type: "t", arguments: by(payloads.put(BLOB)) });
    await running.until(() => payloads.calls.length > 0);
    engine.cancel(execution);
    await running.until(() => running.eventsOf("task_ended").length > 0);
    expect(running.eventsOf("task_ended")[0]).toMatchObject({ end: "cancelled" });
  });
});

describe("arguments that the engine sends inline", () => {
  // Below and above the sizes from which on they stay bytes, and are sent piece by piece.
  it.each([10_000, 50_000, 300_000, 1_500_000])(
    "of %i bytes reach the carrier as they are, at every try",
    async (size) => {
      await begin({ handle: laterAt((tries) => tries === 1) });
      const sent = payloadEnvelope(["\u00e9".repeat(size / 2)]);
      await ends({ arguments: { ...sent } });
      expect(carrier.received.map(({ envelope }) => envelope["payloads"])).toEqual([
        { arguments: { ...sent } },
        { arguments: { ...sent } },
      ]);
      const lengths = carrier.received.map(({ headers }) => Number(headers["content-length"]));
      for (const length of lengths) expect(length).toBeGreaterThan(sent.blob.length);
    },
  );

  it("of many tasks at once are each its own, whatever becomes of the others", async () => {
    // Some come again, after others have come and gone.
    await begin({ handle: laterAt((tries) => tries % 3 === 1) });
    const sent = Array.from({ length: 24 }, (_, index) =>
      payloadEnvelope([
        String(index)
          .padStart(3, "0")
          .repeat(30_000 + index * 8_000),
      ]),
    );
    const ended = await Promise.all(sent.map((one) => ends({ arguments: { ...one } })));
    expect(ended.every((one) => one.outcomes.at(-1)?.verb === "complete")).toBe(true);
    const received = carrier.received.map(({ envelope }) => envelope["payloads"].arguments.blob as string);
    expect(received.length).toBeGreaterThan(sent.length);
    expect(new Set(received)).toEqual(new Set(sent.map(({ blob }) => blob)));
  });

  it("that are not what a payload should be are passed on as they are", async () => {
    await begin();
    const odd = { blob: "A".repeat(50_000), codec: 7, more: { blob: ["B".repeat(50_000)] } };
    await ends({ arguments: odd });
    expect(carrier.received[0]?.envelope["payloads"]).toEqual({ arguments: odd });
  });
});

describe("a result", () => {
  const answers = (payload: unknown) => ({ handle: () => payload });

  it.each([
    ["at the threshold is uploaded before it is reported", BLOB.length, true],
    ["below it goes inline", BLOB.length + 1, false],
  ])("%s", async (_, thresholdBytes, isUploaded) => {
    await begin(answers(LARGE));
    payloads.thresholdBytes = thresholdBytes;
    const execution = await ends({});
    expect(outcomeOf(execution)["result"]).toEqual(isUploaded ? by(payloads.put(BLOB)) : { ...LARGE });
    expect(payloads.callsOf("POST").length).toBe(isUploaded ? 1 : 0);
  });

  it("goes inline where the engine keeps none, and where its way is not known, which is told", async () => {
    await begin(answers(LARGE));
    payloads.storage = { status: "available" };
    expect(outcomeOf(await ends({}))["result"]).toEqual({ ...LARGE });
    expect(running.eventsOf("payload_transport")).toMatchObject([{ state: "off", problem: null }]);
    await running.dispatcher.drain();

    await begin(answers(LARGE));
    const { transport, ...storage } = payloads.manifest();
    payloads.storage = { ...storage, transport: { ...(transport as object), version: 2 } };
    expect(outcomeOf(await ends({}))["result"]).toEqual({ ...LARGE });
    expect(running.eventsOf("payload_transport")).toMatchObject([
      { state: "unusable", problem: "namespace.external_payload_storage.transport.version must be 1" },
    ]);
  });

  it("that the engine will not keep is a final failure that says so", async () => {
    await begin(answers(LARGE));
    payloads.maxPayloadBytes = BLOB.length - 1;
    const execution = await ends({ maxAttempts: 5 });
    expect(outcomeOf(execution)["failure"]).toMatchObject({ type: "ExternalPayloadOversized", non_retryable: true });
    expect([execution.outcomes.length, carrier.received.length]).toEqual([1, 1]);
  });

  it("waits for a storage that is full, and is not made again", async () => {
    await begin({ ...answers(LARGE), engineOptions: { leaseMs: 1_500 } });
    let until = Number.POSITIVE_INFINITY;
    payloads.fault = (_, response) =>
      awakeClock.monotonic() < until &&
      refuseWith(response, 429, "external_payload_namespace_bytes_exhausted", { retryable: true });
    const execution = engine.schedule({ type: "t" });
    await running.until(() => running.eventsOf("payload_retried").length > 0);
    until = awakeClock.monotonic() + 2_500;
    await engine.untilStatus(execution, "completed");
    expect([carrier.received.length, execution.attempts.length]).toEqual([1, 1]);
    expect(outcomeOf(execution)["result"]).toEqual(by(payloads.put(BLOB)));
  });

  it("is uploaded again when the engine has dropped it before the report came", async () => {
    await begin(answers(LARGE));
    let refused = 0;
    engine.interfere = ({ verb }) => {
      if (verb !== "complete" || refused > 0) return undefined;
      refused++;
      payloads.payloads.clear();
      return {
        status: 410,
        body: JSON.stringify({ reason: "external_payload_expired", outcome: "rejected", recorded: false }),
      };
    };
    const execution = await ends({});
    expect(execution.status).toBe("completed");
    expect(payloads.get((outcomeOf(execution)["result"] as Json)["external_payload"])?.bytes.equals(BLOB)).toBe(true);
    expect(payloads.callsOf("POST").length).toBe(2);
  });

  it("is without the credentials that it quotes, and is hashed as it is uploaded", async () => {
    const quoting = payloadEnvelope([`${"x".repeat(200_000)} engine-t0ken ${"y".repeat(100_000)}`]);
    await begin(answers(quoting));
    const execution = await ends({});
    const stored = payloads.get((outcomeOf(execution)["result"] as Json)["external_payload"]);
    expect(stored?.reference.sha256).toBe(sha256(stored?.bytes ?? Buffer.alloc(0)));
    const [text] = decodePayload({ codec: "avro", blob: String(stored?.bytes) }) as string[];
    expect(text).toHaveLength(300_014);
    expect(text).not.toContain("engine-t0ken");
  });

  it("may be as large as what the engine keeps, and no larger", async () => {
    const huge = payloadEnvelope(["x".repeat(9 * 1024 * 1024)]);
    await begin(answers(huge));
    const execution = await ends({});
    expect(outcomeOf(execution)["result"]).toEqual(by(payloads.put(Buffer.from(huge.blob))));
    await running.dispatcher.drain();

    await begin(answers(huge));
    payloads.maxPayloadBytes = 1024 * 1024;
    expect(outcomeOf(await ends({}))["failure"]).toMatchObject({
      type: "MalformedOutput",
      message: expect.stringContaining("too_large"),
    });
  });
});

describe("a failure's details", () => {
  const failing = (details: unknown) => ({
    handle: ((envelope, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(failureFor(envelope, { details }, false)));
      return undefined;
    }) satisfies ForeignHandler,
  });

  it("are uploaded", async () => {
    await begin(failing({ ...LARGE }));
    const failure = outcomeOf(await ends({}))["failure"] as Json;
    expect(failure["details"]).toEqual(by(payloads.put(BLOB)));
    expect(failure["message"]).toBe("it failed");
  });

  it("are uploaded rather than left out where the engine's threshold is above what a report holds", async () => {
    await begin(failing({ ...LARGE }));
    payloads.thresholdBytes = 2 * 1024 * 1024;
    expect((outcomeOf(await ends({}))["failure"] as Json)["details"]).toEqual(by(payloads.put(BLOB)));
  });

  it("that the engine will not keep do not cost the failure", async () => {
    await begin(failing({ ...LARGE }));
    payloads.fault = (_, response) => refuseWith(response, 413, "external_payload_oversized");
    expect(outcomeOf(await ends({}))["failure"]).toMatchObject({
      type: "LampOffline",
      message: "it failed (Without its details, which the engine does not keep: external_payload_oversized.)",
      details: null,
    });
  });
});

describe("a store that carriers reach too", () => {
  const objects = new Map<string, Buffer>();
  const driver = {
    scheme: "mem",
    accepts: (uri: string) => uri.startsWith("mem://payloads/"),
    put: async (data: Uint8Array, { sha256: hash }: { readonly sha256: string }) => {
      objects.set(`mem://payloads/${hash}`, Buffer.from(data));
      return `mem://payloads/${hash}`;
    },
    get: async (uri: string) => {
      const found = objects.get(uri);
      if (found === undefined) throw new Error("not there");
      return found;
    },
  };
  const sharedStorage = { driver, overBytes: 100_000 };
  const stored = (uri: string, bytes: Buffer): Json => {
    const schema = "durable-workflow.v2.external-payload-reference.v1";
    return {
      codec: "avro",
      external_storage: { schema, uri, sha256: sha256(bytes), size_bytes: bytes.length, codec: "avro" },
    };
  };

  it("takes arguments that are larger than a carrier's requests may be, and results that it answers by reference", async () => {
    const result = Buffer.from(payloadEnvelope(["y".repeat(200_000)]).blob);
    objects.set("mem://payloads/result", result);
    await begin({ sharedStorage, handle: () => stored("mem://payloads/result", result) });
    const execution = await ends({ arguments: by(payloads.put(BLOB)) });
    expect(carrier.received[0]?.envelope["payloads"].arguments).toEqual(stored(`mem://payloads/${sha256(BLOB)}`, BLOB));
    expect(objects.get(`mem://payloads/${sha256(BLOB)}`)?.equals(BLOB)).toBe(true);
    expect(outcomeOf(execution)["result"]).toEqual(by(payloads.put(result)));
  });

  it("takes arguments that the engine sends inline, too, and leaves small ones alone", async () => {
    await begin({ sharedStorage });
    await ends({ arguments: { ...LARGE } });
    await ends({ arguments: { ...DONE } });
    expect(carrier.received.map(({ envelope }) => envelope["payloads"].arguments)).toEqual([
      stored(`mem://payloads/${sha256(BLOB)}`, BLOB),
      DONE,
    ]);
  });

  it.each<[string, () => Json, string]>([
    ["outside of it", () => stored("mem://other/result", BLOB), "ExternalPayloadUnsupported"],
    ["to other bytes", () => stored("mem://payloads/changed", BLOB), "ExternalPayloadIntegrityMismatch"],
    ["that cannot be read", () => ({ codec: "avro", external_storage: { schema: "?" } }), "ExternalPayloadUnsupported"],
  ])("does not follow a reference %s", async (_, result, type) => {
    objects.set("mem://payloads/changed", Buffer.from(BLOB).fill("R", 8, 9));
    objects.set("mem://other/result", BLOB);
    await begin({ sharedStorage, handle: result });
    expect(outcomeOf(await ends({}))["failure"]).toMatchObject({ type, non_retryable: true });
  });
});
