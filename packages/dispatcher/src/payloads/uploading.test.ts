import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type PayloadFault, PayloadTransport, refuseWith } from "../../test/support/payload-transport.js";
import { recordableBlob } from "../engine/recordable.js";
import type { EngineAnswer } from "../engine/reply.js";
import { NO_SECRETS } from "../net/secrets.js";
import { systemClock } from "../time/clock.js";
import { PayloadExchange } from "./exchange.js";
import { PayloadPolicies } from "./policies.js";
import { type KeptPayload, PayloadUploader } from "./uploading.js";

const BLOB = Buffer.from("QUJD".repeat(50_000));
const COMPLETION = "x-durable-workflow-payload-completion";

let server: PayloadTransport;
let exchange: PayloadExchange;
let answer: (() => EngineAnswer) | undefined;
let left: number;

const broken: EngineAnswer = { kind: "broken", why: "timeout", status: null, retryAfterMs: undefined };
const reply = (body: Record<string, never> | object): EngineAnswer => {
  return { kind: "reply", status: 200, body: body as never, reason: null, message: "", retryAfterMs: undefined };
};

beforeEach(async () => {
  server = new PayloadTransport();
  left = 60_000;
  answer = undefined;
  exchange = new PayloadExchange({
    serverUrl: await server.start(),
    tlsVerify: true,
    token: () => null,
    protocolVersion: () => "1.20",
    clock: systemClock,
    scrub: (text) => text,
  });
});

afterEach(async () => {
  await exchange.close();
  await server.stop();
});

function policiesOfServer(): PayloadPolicies {
  return new PayloadPolicies({
    clock: systemClock,
    read: async () => answer?.() ?? reply({ namespace: server.namespaceInfo() }),
  });
}

function keep(bytes: Buffer, operation: "complete" | "fail" = "complete"): Promise<KeptPayload> {
  const policies = policiesOfServer();
  const attempt = { namespace: "default", taskId: "task-1", attemptId: "ATTEMPT-1", leaseOwner: "owner-\u00e9" };
  return new PayloadUploader({ exchange, policies }).keep(
    { attempt, operation, payload: { codec: "avro", bytes: recordableBlob(bytes, NO_SECRETS) } },
    { clock: systemClock, left: () => left, signal: new AbortController().signal },
  );
}

const drains: PayloadFault = (_, response) => {
  const body = { reason: "storage_pressure", storage_state: "draining", request_admitted: false, retryable: true };
  response.writeHead(503, { "content-type": "application/json", "retry-after": "0" }).end(JSON.stringify(body));
  return true;
};

describe("a payload", () => {
  it("is uploaded at the engine's threshold, and stays inline below it", async () => {
    server.thresholdBytes = BLOB.length;
    expect(await keep(BLOB)).toEqual({ kind: "uploaded", reference: server.put(BLOB) });
    expect(await keep(BLOB.subarray(4))).toEqual({ kind: "inline" });
    expect(server.calls.length).toBe(1);
  });

  it("is known to stay inline once the engine has been asked", async () => {
    server.thresholdBytes = 1000;
    const policies = policiesOfServer();
    const uploader = new PayloadUploader({ exchange, policies });
    expect(uploader.staysInline("default", 10), "nobody has asked").toBe(false);
    await policies.current("default");
    expect([999, 1000].map((bytes) => uploader.staysInline("default", bytes))).toEqual([true, false]);
    answer = () => reply({ worker_protocol: { version: "1.19" } });
    await policies.current("other");
    expect(uploader.staysInline("other", 1_000_000), "an engine that keeps none").toBe(true);
  });

  it.each<[string, () => EngineAnswer]>([
    ["keeps none", () => reply({ worker_protocol: { version: "1.19" } })],
    [
      "keeps them in a way that is not known",
      () => reply({ namespace: { external_payload_storage: { ...server.manifest(), threshold_bytes: -1 } } }),
    ],
  ])("stays inline where the engine %s", async (_, says) => {
    answer = says;
    expect(await keep(BLOB)).toEqual({ kind: "inline" });
  });

  it("stays inline, while it is small, where nothing is known of the engine, and is held back while it is large", async () => {
    answer = () => broken;
    expect(await keep(BLOB)).toEqual({ kind: "inline" });
    left = 400;
    setTimeout(() => {
      left = -1;
    }, 300);
    expect(await keep(Buffer.alloc(1024 * 1024, "QUJD"))).toEqual({ kind: "gone" });
  });

  it("that is larger than the engine keeps is refused before a byte is sent", async () => {
    server.maxPayloadBytes = BLOB.length - 1;
    expect(await keep(BLOB)).toMatchObject({ kind: "refused", reason: "external_payload_oversized" });
    expect(server.calls).toEqual([]);
  });

  it("waits for a storage that is out of order", async () => {
    server.status = "driver_unavailable";
    setTimeout(() => {
      server.status = "available";
    }, 200);
    expect((await keep(BLOB)).kind).toBe("uploaded");
  });

  it("is sent again after what may pass, and not after what does not", async () => {
    let tries = 0;
    server.fault = (_, response) =>
      ++tries < 3 && refuseWith(response, 429, "external_payload_namespace_bytes_exhausted", { retryable: true });
    expect((await keep(BLOB)).kind).toBe("uploaded");
    server.fault = (_, response) => refuseWith(response, 409, "external_payload_completion_conflict");
    expect(await keep(BLOB)).toMatchObject({ kind: "refused", reason: "external_payload_completion_conflict" });
    expect(tries).toBe(3);
  });

  it.each(["complete", "fail"] as const)(
    "for %s says which report it is for once the engine drains, and from then on",
    async (operation) => {
      let tries = 0;
      // Drains, then is out of order, then takes it.
      server.fault = (call, response) => {
        tries++;
        if (tries === 1) return drains(call, response);
        return tries < 4 && refuseWith(response, 503, "external_payload_unavailable", { retryable: true });
      };
      expect((await keep(BLOB, operation)).kind).toBe("uploaded");
      const contexts = server.calls.map(({ headers }) => headers[COMPLETION]);
      expect(contexts[0]).toBeUndefined();
      expect(new Set(contexts.slice(1)).size).toBe(1);
      expect(JSON.parse(String(contexts[1]))).toEqual({
        schema: "durable-workflow.v2.payload-completion-context.v1",
        kind: "activity",
        task_id: "task-1",
        attempt: "ATTEMPT-1",
        lease_owner: "owner-\u00e9",
        operation,
        slot: operation === "complete" ? ["result"] : ["failure", "details"],
      });
      expect(server.calls.length).toBe(4);
    },
  );

  it("says nothing of its report to an engine that is fenced, or has no header for it", async () => {
    let tries = 0;
    server.fault = (_, response) => {
      if (++tries > 2) return false;
      const body = { reason: "storage_pressure", storage_state: "fenced", retryable: true };
      response.writeHead(503, { "content-type": "application/json" }).end(JSON.stringify(body));
      return true;
    };
    expect((await keep(BLOB)).kind).toBe("uploaded");
    tries = 0;
    const { transport, ...storage } = server.manifest();
    const { upload, ...manifest } = transport as { upload: object };
    server.storage = { ...storage, transport: { ...manifest, upload: { ...upload, completion_context: undefined } } };
    server.fault = (call, response) => ++tries < 3 && drains(call, response);
    expect((await keep(BLOB)).kind).toBe("uploaded");
    expect(server.calls.map(({ headers }) => headers[COMPLETION])).toEqual(Array(6).fill(undefined));
  });
});
