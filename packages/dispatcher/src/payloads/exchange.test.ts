import type { RuntimePayloadReference } from "@durable-workflow/engine-protocol/external-payloads";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type PayloadFault,
  PayloadTransport,
  type Reference,
  refuseWith,
  sha256,
} from "../../test/support/payload-transport.js";
import { recordableBlob } from "../engine/recordable.js";
import { NO_SECRETS } from "../net/secrets.js";
import { systemClock } from "../time/clock.js";
import { type FetchOutcome, PayloadExchange, type UploadOutcome } from "./exchange.js";

const BLOB = Buffer.from("QUJD".repeat(5_000));
const never = new AbortController().signal;

let server: PayloadTransport;
let exchange: PayloadExchange;

beforeEach(async () => {
  server = new PayloadTransport();
  exchange = new PayloadExchange({
    serverUrl: await server.start(),
    tlsVerify: true,
    token: () => "t0ken-of-a-worker",
    protocolVersion: () => "1.20",
    clock: systemClock,
    scrub: (text) => text.replaceAll("t0ken-of-a-worker", "[redacted]"),
  });
});

afterEach(async () => {
  await exchange.close();
  await server.stop();
});

const fetch = (reference: Reference, namespace = "default", timeoutMs = 5_000): Promise<FetchOutcome> =>
  exchange.fetch(namespace, reference as RuntimePayloadReference, { timeoutMs, signal: never });

const upload = (bytes: Buffer, completion: string | null = null, timeoutMs = 5_000): Promise<UploadOutcome> => {
  const metadata = { codec: "avro", sizeBytes: bytes.length, sha256: sha256(bytes) };
  return exchange.upload(
    "default",
    { bytes: recordableBlob(bytes, NO_SECRETS), metadata, completion },
    { timeoutMs, signal: never },
  );
};

describe("a fetch", () => {
  it("says what it wants and who asks, and gives the bytes", async () => {
    const reference = server.put(BLOB);
    const outcome = await fetch(reference);
    expect(outcome).toEqual({ kind: "fetched", bytes: BLOB });
    expect(server.calls[0]).toMatchObject({
      method: "GET",
      path: `/api/external-payloads/v1/${reference.reference_id}`,
      headers: {
        accept: "application/octet-stream",
        authorization: "Bearer t0ken-of-a-worker",
        "x-namespace": "default",
        "x-durable-workflow-protocol-version": "1.20",
        "x-durable-workflow-payload-codec": "avro",
        "x-durable-workflow-payload-size": String(BLOB.length),
        "x-durable-workflow-payload-sha256": reference.sha256,
      },
    });
  });

  it("takes an empty payload", async () => {
    expect(await fetch(server.put(Buffer.alloc(0)))).toEqual({ kind: "fetched", bytes: Buffer.alloc(0) });
  });

  it.each([
    [404, "external_payload_not_found"],
    [410, "external_payload_expired"],
    [403, "external_payload_unauthorized"],
    [413, "external_payload_oversized"],
    [415, "external_payload_unsupported"],
    [422, "external_payload_unsupported"],
    [422, "external_payload_integrity_mismatch"],
  ])("that the engine refuses with %s %s is final", async (status, reason) => {
    server.fault = (_, response) => refuseWith(response, status, reason);
    expect(await fetch(server.put(BLOB))).toEqual({ kind: "refused", reason, message: `about ${reason}` });
  });

  it("of another namespace's payload is not found", async () => {
    expect(await fetch(server.put(BLOB, "other"))).toMatchObject({ reason: "external_payload_not_found" });
  });

  it.each<[string, PayloadFault, object]>([
    [
      "503",
      (_, response) =>
        refuseWith(response, 503, "external_payload_unavailable", { retryable: true, headers: { "retry-after": "3" } }),
      { retryAfterMs: 3_000 },
    ],
    [
      "429",
      (_, response) =>
        refuseWith(response, 429, "external_payload_namespace_bytes_exhausted", {
          retryable: true,
          headers: { "retry-after": "2" },
        }),
      { retryAfterMs: 2_000 },
    ],
    ["503 that says it is final", (_, response) => refuseWith(response, 503, "external_payload_unavailable"), {}],
    ["401, since tokens are replaced", (_, response) => refuseWith(response, 401, "external_payload_unauthorized"), {}],
    ["404 of a proxy", (_, response) => page(response, 404), { why: "status 404" }],
    ["410 of a proxy", (_, response) => page(response, 410), {}],
    ["413 of a proxy", (_, response) => page(response, 413), {}],
    ["403 of a proxy", (_, response) => page(response, 403), {}],
    ["502 of a proxy", (_, response) => page(response, 502), {}],
    ["a redirect", (_, response) => page(response, 302), {}],
    ["an endless error page", (_, response) => page(response, 404, "x".repeat(2_000_000)), {}],
    ["a body that is cut off", (_, response) => cut(response), { why: "the payload was cut off" }],
    ["no answer", (_, response) => reset(response), { why: "unreachable" }],
  ])("is tried again later after %s", async (_, fault, expected) => {
    server.fault = fault;
    expect(await fetch(server.put(BLOB))).toMatchObject({ kind: "unavailable", ...expected });
  });

  it.each<[string, PayloadFault]>([
    ["is altered", (_, response) => send(response, Buffer.from(BLOB).fill("R", 8, 9))],
    ["is longer", (_, response) => send(response, Buffer.concat([BLOB, Buffer.from("QUJD")]))],
    ["is shorter", (_, response) => send(response, BLOB.subarray(4))],
    ["is longer, and does not say so", (_, response) => drip(response, Buffer.concat([BLOB, BLOB]))],
    ["is shorter, and does not say so", (_, response) => drip(response, BLOB.subarray(4))],
    [
      "has another hash by its headers",
      (_, response) => send(response, BLOB, { "x-durable-workflow-payload-sha256": sha256(Buffer.from("")) }),
    ],
    [
      "has another size by its headers",
      (_, response) => send(response, BLOB, { "x-durable-workflow-payload-size": "7" }),
    ],
    [
      "has another codec by its headers",
      (_, response) => send(response, BLOB, { "x-durable-workflow-payload-codec": "json" }),
    ],
  ])("whose payload %s is an integrity mismatch", async (_, fault) => {
    const reference = server.put(BLOB);
    server.fault = fault;
    expect(await fetch(reference)).toMatchObject({ kind: "refused", reason: "external_payload_integrity_mismatch" });
  });

  it("whose answer lacks the headers is judged by what came", async () => {
    server.fault = (_, response) => drip(response, BLOB);
    expect(await fetch(server.put(BLOB))).toMatchObject({ kind: "fetched" });
  });

  it("of what is no base64 is refused: it would not stand in a document as it is", async () => {
    const reference = server.put(Buffer.from('"},"x":"'));
    expect(await fetch(reference)).toMatchObject({ kind: "refused", reason: "external_payload_unsupported" });
  });

  it("that drips in does not last longer than it may", async () => {
    server.fault = (_, response) => {
      response.writeHead(200, { "content-length": String(BLOB.length) });
      const timer = setInterval(() => response.write("Q"), 20);
      response.once("close", () => clearInterval(timer));
      return true;
    };
    const began = performance.now();
    expect(await fetch(server.put(BLOB), "default", 300)).toMatchObject({ kind: "unavailable", why: "timeout" });
    // By default it lasts a minute.
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  it("shows no credential that an answer echoes", async () => {
    server.fault = (_, response) => {
      response.writeHead(404, { "content-type": "application/json" });
      const reason = "external_payload_not_found";
      response.end(JSON.stringify({ reason, message: "no t0ken-of-a-worker here", retryable: false }));
      return true;
    };
    expect(JSON.stringify(await fetch(server.put(BLOB)))).not.toContain("t0ken-of-a-worker");
  });
});

describe("an upload", () => {
  it("says what it is, and gives the reference", async () => {
    const outcome = await upload(BLOB);
    expect(outcome).toEqual({ kind: "uploaded", reference: server.put(BLOB) });
    const { headers } = server.calls[0] ?? {};
    expect(headers).toMatchObject({
      "content-type": "application/octet-stream",
      "content-length": String(BLOB.length),
    });
    expect(headers).not.toHaveProperty("x-durable-workflow-payload-completion");
  });

  it.each<[string, number, string, boolean, object]>([
    ["413", 413, "external_payload_oversized", false, { kind: "refused" }],
    ["422", 422, "external_payload_integrity_mismatch", false, { kind: "refused" }],
    ["429", 429, "external_payload_namespace_objects_exhausted", true, { kind: "unavailable", drains: false }],
    ["503", 503, "external_payload_unavailable", true, { kind: "unavailable", drains: false }],
  ])("refused with %s", async (_, status, reason, retryable, expected) => {
    server.fault = (_call, response) => refuseWith(response, status, reason, { retryable });
    expect(await upload(BLOB)).toMatchObject(expected);
  });

  it("hears that the engine drains", async () => {
    server.fault = (_, response) => {
      response.writeHead(503, { "content-type": "application/json", "retry-after": "5" });
      response.end(JSON.stringify({ reason: "storage_pressure", storage_state: "draining", retryable: true }));
      return true;
    };
    expect(await upload(BLOB)).toMatchObject({ kind: "unavailable", drains: true, retryAfterMs: 5_000 });
  });

  it("that a proxy finds too large will never pass", async () => {
    server.fault = (_, response) => page(response, 413);
    expect(await upload(BLOB)).toMatchObject({ kind: "refused", reason: "external_payload_oversized" });
  });

  it.each<[string, PayloadFault]>([
    [
      "a reference to other bytes",
      (_, response) => json(response, 201, { reference: server.put(Buffer.from("QUJD")) }),
    ],
    ["no JSON", (_, response) => page(response, 200)],
    ["a page without an end", (_, response) => page(response, 200, "x".repeat(2_000_000))],
  ])("is not done when the answer is %s", async (_, fault) => {
    server.fault = fault;
    expect(await upload(BLOB)).toMatchObject({ kind: "unavailable" });
  });
});

type Response = Parameters<PayloadFault>[1];

function page(response: Response, status: number, text = "<html>proxy</html>"): true {
  response.writeHead(status, { "content-type": "text/html", location: "/elsewhere" }).end(text);
  return true;
}

function json(response: Response, status: number, more: object): true {
  const schema = "durable-workflow.v2.runtime-external-payload-upload.v1";
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ schema, transport_version: 1, ...more }));
  return true;
}

function send(response: Response, bytes: Buffer, headers: Record<string, string> = {}): true {
  response.writeHead(200, { "content-length": String(bytes.length), ...headers }).end(bytes);
  return true;
}

/** Without a length. */
function drip(response: Response, bytes: Buffer): true {
  response.writeHead(200);
  response.write(bytes.subarray(0, 10));
  response.end(bytes.subarray(10));
  return true;
}

function cut(response: Response): true {
  response.writeHead(200, { "content-length": String(BLOB.length) });
  response.write(BLOB.subarray(0, 100), () => response.socket?.destroy());
  return true;
}

function reset(response: Response): true {
  response.socket?.destroy();
  return true;
}
