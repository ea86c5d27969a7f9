import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemoryDriver } from "../../../test/support/memory-driver.js";
import { InvocableActivityHandler } from "../../activity/handler.js";
import { encodeAvroValue } from "../../payload/codec.js";
import { decodePayload } from "../../payload/envelope.js";
import { serializeExternalPayloadReference } from "../../protocol/payload-reference.js";
import type { InlinePayloadEnvelope } from "../../protocol/wire.js";
import { buildTaskInput } from "../../testing/build-task-input.js";
import { carrierClient } from "../../testing/carrier-client.js";
import { externalStorage } from "../external-storage.js";
import { storeExternalPayload } from "../transfer.js";
import { type RuntimePayloadsOptions, runtimePayloads } from "./runtime-payloads.js";

// A carrier that fetches and uploads by itself, against a small server that speaks the engine's side.

const TOKEN = "t0ken-of-a-carrier";
const BLOB = encodeAvroValue(["lamp ".repeat(20_000)]);
const REFERENCE = "durable-workflow.v2.runtime-external-payload-reference.v1";

type Fault = (request: IncomingMessage, response: ServerResponse) => boolean;

let server: Server;
let serverUrl: string;
let stored: Map<string, Buffer>;
let calls: { method: string; url: string; headers: IncomingMessage["headers"] }[];
let fault: Fault;
let storage: object | undefined;

beforeEach(async () => {
  stored = new Map();
  calls = [];
  fault = () => false;
  storage = manifest();
  server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  serverUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/engine`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

function manifest(changes: object = {}): object {
  const transport = {
    schema: "durable-workflow.v2.runtime-external-payload-transport.v1",
    version: 1,
    reference_schema: REFERENCE,
    limits: { max_payload_bytes: 1_000_000, request_timeout_seconds: 5 },
    ...changes,
  };
  return { status: "available", threshold_bytes: 50_000, transport };
}

function referenceTo(bytes: Buffer | string): Record<string, unknown> {
  const hash = createHash("sha256").update(bytes).digest("hex");
  const id = `ep_${hash.toUpperCase().slice(0, 26)}`;
  return { schema: REFERENCE, reference_id: id, codec: "avro", size_bytes: Buffer.byteLength(bytes), sha256: hash };
}

function put(text: string): Record<string, unknown> {
  const reference = referenceTo(text);
  stored.set(String(reference["reference_id"]), Buffer.from(text));
  return { codec: "avro", external_payload: reference };
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  const { method = "", url = "", headers } = request;
  calls.push({ method, url, headers });
  if (fault(request, response)) return;
  if (headers.authorization !== `Bearer ${TOKEN}`) return refuse(response, 401, "external_payload_unauthorized");
  if (url === "/engine/api/cluster/info") {
    response.end(JSON.stringify({ namespace: { external_payload_storage: storage } }));
    return;
  }
  if (method === "POST") {
    const bytes = Buffer.concat(chunks);
    const reference = referenceTo(bytes);
    const same =
      headers["x-durable-workflow-payload-codec"] === "avro" &&
      headers["x-durable-workflow-payload-size"] === String(bytes.length) &&
      headers["x-durable-workflow-payload-sha256"] === reference["sha256"];
    if (!same) return refuse(response, 422, "external_payload_integrity_mismatch");
    stored.set(String(reference["reference_id"]), bytes);
    response.writeHead(201).end(JSON.stringify({ schema: "upload", transport_version: 1, reference }));
    return;
  }
  const bytes = stored.get(url.split("/").at(-1) ?? "");
  if (bytes === undefined) return refuse(response, 404, "external_payload_not_found");
  response.writeHead(200, { "content-length": String(bytes.length) }).end(bytes);
}

function refuse(response: ServerResponse, status: number, reason: string, retryable = false): undefined {
  response.writeHead(status).end(JSON.stringify({ reason, retryable, status, message: `no ${TOKEN}` }));
}

const made = (options: Partial<RuntimePayloadsOptions> = {}) =>
  runtimePayloads({ serverUrl, token: TOKEN, namespace: "lamps", ...options });

function send(args: unknown, options: Partial<RuntimePayloadsOptions> | null = {}) {
  const handler = new InvocableActivityHandler(
    {
      length: (text: string) => text.length,
      repeat: (text: string) => text,
      fail: (text: string) => {
        throw Object.assign(new Error("no"), { details: { text } });
      },
    },
    options === null ? {} : { externalStorage: made(options) },
  );
  const task = buildTaskInput({ activityType: "length" });
  const wire = task as unknown as { payloads: { arguments: unknown } };
  return carrierClient(handler).send({ ...wire, payloads: { ...wire.payloads, arguments: args } } as never);
}

const signal = new AbortController().signal;

describe("a reference of the engine's that reaches a carrier", () => {
  it("without a credential is unsupported, and final", async () => {
    expect(await send(put(BLOB), null)).toMatchObject({
      kind: "failure",
      retryable: false,
      failure: {
        kind: "unsupported_payload",
        classification: "unsupported_payload_reference",
        type: "UnsupportedPayloadReference",
      },
    });
  });

  it("is fetched with the credential, once for all who need it", async () => {
    const payloads = made();
    const args = put(BLOB);
    const all = await Promise.all([payloads.read(args, { signal }), payloads.read(args, { signal })]);
    for (const read of all) expect(read).toEqual({ codec: "avro", blob: BLOB });
    expect(await payloads.read(args, { signal })).toEqual(all[0]);
    expect(calls.length).toBe(1);
    expect(calls[0]).toMatchObject({
      method: "GET",
      url: `/engine/api/external-payloads/v1/${(args["external_payload"] as { reference_id: string }).reference_id}`,
      headers: {
        "x-namespace": "lamps",
        "x-durable-workflow-payload-codec": "avro",
        "x-durable-workflow-payload-size": String(BLOB.length),
      },
    });
    const result = await send(args);
    expect(result.kind === "success" && decodePayload(result.payload)).toBe(100_000);
  });

  it.each<[string, Fault, string, boolean]>([
    [
      "404",
      (_, response) => (refuse(response, 404, "external_payload_not_found"), true),
      "ExternalPayloadNotFound",
      false,
    ],
    [
      "410",
      (_, response) => (refuse(response, 410, "external_payload_expired"), true),
      "ExternalPayloadExpired",
      false,
    ],
    [
      "403",
      (_, response) => (refuse(response, 403, "external_payload_unauthorized"), true),
      "ExternalPayloadUnauthorized",
      false,
    ],
    [
      "413",
      (_, response) => (refuse(response, 413, "external_payload_oversized"), true),
      "ExternalPayloadOversized",
      false,
    ],
    [
      "415",
      (_, response) => (refuse(response, 415, "external_payload_unsupported"), true),
      "ExternalPayloadUnsupported",
      false,
    ],
    [
      "422",
      (_, response) => (refuse(response, 422, "external_payload_integrity_mismatch"), true),
      "ExternalPayloadIntegrityMismatch",
      false,
    ],
    [
      "429",
      (_, response) => (refuse(response, 429, "external_payload_namespace_bytes_exhausted", true), true),
      "ExternalPayloadNamespaceBytesExhausted",
      true,
    ],
    [
      "503",
      (_, response) => (refuse(response, 503, "external_payload_unavailable", true), true),
      "ExternalPayloadUnavailable",
      true,
    ],
    [
      "401",
      (_, response) => (refuse(response, 401, "external_payload_unauthorized"), true),
      "ExternalPayloadUnauthorized",
      true,
    ],
    ["a page", (_, response) => (response.writeHead(404).end("<html>"), true), "ExternalPayloadUnavailable", true],
    [
      "a redirect",
      (_, response) => (response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(), true),
      "ExternalPayloadUnavailable",
      true,
    ],
    ["a reset", (request) => (request.socket.destroy(), true), "ExternalPayloadUnavailable", true],
    [
      "altered bytes",
      (_, response) => (response.end(Buffer.from(BLOB).fill("R", 8, 9)), true),
      "ExternalPayloadIntegrityMismatch",
      false,
    ],
    ["more bytes", (_, response) => (response.end(BLOB + BLOB), true), "ExternalPayloadIntegrityMismatch", false],
  ])("that the engine answers with %s", async (_, given, type, retryable) => {
    fault = given;
    const result = await send(put(BLOB));
    expect(result).toMatchObject({ kind: "failure", retryable, failure: { type } });
    expect(calls.length).toBe(retryable ? 3 : 1);
    expect(JSON.stringify(result)).not.toContain(TOKEN);
  });

  it("is had at the second try", async () => {
    fault = (_, response) => calls.length < 2 && (refuse(response, 503, "external_payload_unavailable", true), true);
    expect(await made().read(put(BLOB), { signal })).toEqual({ codec: "avro", blob: BLOB });
  });

  it("is not waited for past the end of the task", async () => {
    fault = () => true;
    const end = new AbortController();
    setTimeout(() => end.abort(new Error("over")), 50);
    await expect(made().read(put(BLOB), { signal: end.signal })).rejects.toThrow("over");
    expect(await made({ timeoutMs: 50 }).read(put(BLOB), { signal })).toMatchObject({
      type: "ExternalPayloadUnavailable",
      message: "The engine did not answer within 50 ms.",
    });
  });

  it.each<[string, (envelope: Record<string, unknown>) => object]>([
    ["a third key", (envelope) => ({ ...envelope, uri: "x" })],
    [
      "a sixth key",
      (envelope) => ({ ...envelope, external_payload: { ...(envelope["external_payload"] as object), uri: "x" } }),
    ],
    [
      "another form of id",
      (envelope) => ({
        ...envelope,
        external_payload: { ...(envelope["external_payload"] as object), reference_id: "ep_../x" },
      }),
    ],
  ])("with %s is not followed", async (_, change) => {
    expect(await made().read(change(put(BLOB)) as never, { signal })).toMatchObject({
      classification: "unsupported_payload_reference",
      retryable: false,
    });
    expect(calls).toEqual([]);
  });

  it("leaves references of the old form to the storage that reads them", async () => {
    const driver = new MemoryDriver();
    const reference = serializeExternalPayloadReference(await storeExternalPayload(driver, BLOB));
    const old = { codec: "avro", external_storage: { ...reference } };
    expect(await made({ storage: externalStorage(driver) }).read(old, { signal })).toEqual({
      codec: "avro",
      blob: BLOB,
    });
    expect(await made().read(old, { signal })).toMatchObject({ classification: "unsupported_payload_reference" });
    expect(await externalStorage(driver).read(put(BLOB), { signal })).toMatchObject({
      classification: "unsupported_payload_reference",
      retryable: false,
    });
  });
});

describe("a result", () => {
  const inline: InlinePayloadEnvelope = { codec: "avro", blob: BLOB };

  it("is uploaded from the engine's threshold on", async () => {
    const payloads = made();
    expect(payloads.exceedsThreshold(inline)).toBe(true);
    expect(await payloads.write(inline, { signal })).toEqual({ codec: "avro", external_payload: referenceTo(BLOB) });
    const small = { codec: "avro", blob: BLOB.slice(0, 40_000) };
    expect(payloads.exceedsThreshold(small)).toBe(false);
    expect(calls.map(({ method }) => method)).toEqual(["GET", "POST"]);
  });

  it("that is asked about before the engine has said comes back as it was", async () => {
    const small = { codec: "avro", blob: BLOB.slice(0, 40_000) };
    const payloads = made();
    expect(payloads.exceedsThreshold(small)).toBe(true);
    expect(await payloads.write(small, { signal })).toBe(small);
  });

  it("stays inline where the engine keeps none, and is refused where its way is not known", async () => {
    storage = undefined;
    expect(await made().write(inline, { signal })).toBe(inline);
    storage = manifest({ version: 2 });
    expect(await made().write(inline, { signal })).toMatchObject({
      type: "ExternalPayloadUnsupported",
      retryable: false,
    });
    storage = manifest({ limits: { max_payload_bytes: 60_000 } });
    expect(await made().write(inline, { signal })).toMatchObject({
      type: "ExternalPayloadOversized",
      retryable: false,
    });
  });

  it("goes to the engine from a handler, and so do details", async () => {
    const handler = new InvocableActivityHandler({ t: () => "x".repeat(80_000) }, { externalStorage: made() });
    const result = await carrierClient(handler).send(buildTaskInput({ activityType: "t" }));
    expect(result.kind === "success" && Object.keys(result.payload ?? {})).toEqual(["codec", "external_payload"]);
    expect(stored.size).toBe(1);
  });

  it("is not done when the answer is about something else", async () => {
    fault = (request, response) =>
      request.method === "POST" &&
      (response.writeHead(201).end(JSON.stringify({ reference: referenceTo("other") })), true);
    expect(await made().write(inline, { signal })).toMatchObject({
      retryable: true,
      type: "ExternalPayloadUnavailable",
    });
  });
});

it.each<[string, object]>([
  ["serverUrl", { serverUrl: "ftp://x" }],
  ["token", { token: "a\n" }],
  ["namespace", { namespace: "" }],
  ["timeoutMs", { timeoutMs: 0 }],
  ["fetch", { fetch: 1 }],
  ["storage", { storage: {} }],
  ["tokne", { tokne: 1 }],
])("an option %s that makes no sense is named", (name, options) => {
  expect(() => made(options as never)).toThrow(name);
});
