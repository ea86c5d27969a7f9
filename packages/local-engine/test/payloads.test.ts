import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readPayloadTransport, readRuntimePayloadReference } from "@durable-workflow/engine-protocol/external-payloads";
import {
  blobOf,
  envelopeOf,
  fetched,
  payloadRequest,
  sha256,
  upload,
  uploaded,
} from "@durable-workflow/test-support/payloads";
import { describe, expect, it } from "vitest";
import { openEngine, temporaryFolder } from "./support/engine.js";

const ROLES = { workerToken: "w-token", operatorToken: "o-token", adminToken: "a-token" };
const UPLOAD = "/api/external-payloads/v1";

describe("the manifest", () => {
  it("is one that clients can read, and agrees with the flag", async () => {
    const { client } = await openEngine({ payloads: { thresholdBytes: 1000, maxPayloadBytes: 5000 } });
    const { body } = await client.call("GET", "/api/cluster/info");
    expect(readPayloadTransport(body).transport).toEqual({
      thresholdBytes: 1000,
      maxPayloadBytes: 5000,
      requestTimeoutSeconds: 60,
      takesUploads: true,
      status: "available",
      takesCompletionContext: false,
    });
    expect(body.namespace.name).toBe("default");
    expect(body.worker_protocol.server_capabilities.runtime_external_payload_transport).toBe(true);
    await client.register("w", "q", ["t"]);
    const poll = await client.poll("w", "q", { timeout_seconds: 0 });
    expect(poll.body.server_capabilities.runtime_external_payload_transport).toBe(true);
  });

  it("says defaults that fit: half of the body inline, 64 MiB by reference", async () => {
    const { client } = await openEngine();
    const { body } = await client.call("GET", "/api/cluster/info");
    expect(body.namespace.external_payload_storage).toMatchObject({
      threshold_bytes: 1_048_576,
      transport: { limits: { max_payload_bytes: 67_108_864, abandoned_upload_expiry_seconds: 86_400 } },
    });
  });
});

describe("an upload", () => {
  it.each([
    ["in files", (): string => join(temporaryFolder(), "engine.db")],
    ["in memory", (): string => ":memory:"],
  ])("%s can be fetched as it was, by its reference", async (_, file) => {
    const { url } = await openEngine({ file: file() });
    for (const size of [0, 1, 300_000, 3_000_000]) {
      const bytes = Buffer.alloc(size, "payload ");
      const answer = await upload(url, bytes);
      expect(answer.status).toBe(201);
      expect(answer.headers["cache-control"]).toBe("no-store, private");
      expect(answer.body).toMatchObject({
        schema: "durable-workflow.v2.runtime-external-payload-upload.v1",
        transport_version: 1,
      });
      const { reference } = answer.body;
      expect(readRuntimePayloadReference(reference).reference).toEqual(reference);
      expect(reference).toMatchObject({ size_bytes: size, sha256: sha256(bytes) });
      const back = await fetched(url, reference, { headers: { Accept: "application/octet-stream" } });
      expect(back.status).toBe(200);
      expect(sha256(back.bytes)).toBe(reference.sha256);
      expect(back.headers).toMatchObject({
        "content-type": "application/octet-stream",
        "content-length": String(size),
        "x-durable-workflow-payload-codec": "avro",
        "x-durable-workflow-payload-size": String(size),
        "x-durable-workflow-payload-sha256": reference.sha256,
        etag: `"sha256:${reference.sha256}"`,
        "cache-control": "private, max-age=60, immutable",
        "x-durable-workflow-protocol-version": "1.20",
      });
    }
  });

  it("of the same bytes has the same reference in its namespace, and another one in another", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const { url } = await openEngine({ file, namespaces: ["other"] });
    const [one, again, ...many] = await Promise.all(Array.from({ length: 8 }, () => uploaded(url, "the same bytes")));
    expect(again).toEqual(one);
    for (const reference of many) expect(reference).toEqual(one);
    const other = await uploaded(url, "the same bytes", { namespace: "other" });
    expect(other.reference_id).not.toBe(one.reference_id);
    const shards = readdirSync(`${file}-payloads`);
    const files = shards.flatMap((shard) => readdirSync(join(`${file}-payloads`, shard)));
    expect(files).toHaveLength(2);
  });

  it("lies in files for this user alone, and nothing half-written beside them", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const { url } = await openEngine({ file });
    await uploaded(url, "private");
    await upload(url, "altered", { headers: { "X-Durable-Workflow-Payload-SHA256": sha256("other") } });
    const shard =
      readdirSync(`${file}-payloads`).find((one) => readdirSync(join(`${file}-payloads`, one)).length > 0) ?? "";
    const names = readdirSync(`${file}-payloads`).flatMap((one) => readdirSync(join(`${file}-payloads`, one)));
    expect(names).toHaveLength(1);
    expect(statSync(`${file}-payloads`).mode & 0o777).toBe(0o700);
    expect(statSync(join(`${file}-payloads`, shard)).mode & 0o777).toBe(0o700);
    expect(statSync(join(`${file}-payloads`, shard, names[0] ?? "")).mode & 0o777).toBe(0o600);
  });

  const bytes = "some bytes";
  const refusals: [string, Parameters<typeof upload>[2], number, string][] = [
    ["without its media type", { headers: { "Content-Type": "application/json" } }, 415, "unsupported"],
    ["without a codec", { headers: { "X-Durable-Workflow-Payload-Codec": undefined } }, 422, "unsupported"],
    ["with another codec", { headers: { "X-Durable-Workflow-Payload-Codec": "json" } }, 422, "unsupported"],
    ["without a size", { headers: { "X-Durable-Workflow-Payload-Size": undefined } }, 422, "unsupported"],
    ["with a size that is none", { headers: { "X-Durable-Workflow-Payload-Size": "1e1" } }, 422, "unsupported"],
    ["with a negative size", { headers: { "X-Durable-Workflow-Payload-Size": "-1" } }, 422, "unsupported"],
    ["without a hash", { headers: { "X-Durable-Workflow-Payload-SHA256": undefined } }, 422, "unsupported"],
    ["with a hash that is none", { headers: { "X-Durable-Workflow-Payload-SHA256": "abc" } }, 422, "unsupported"],
    ["with another size", { headers: { "X-Durable-Workflow-Payload-Size": "11" } }, 422, "integrity_mismatch"],
    ["with another hash", { headers: { "X-Durable-Workflow-Payload-SHA256": sha256("x") } }, 422, "integrity_mismatch"],
    ["over the limit", { headers: { "X-Durable-Workflow-Payload-Size": "1001" } }, 413, "oversized"],
  ];
  it.each(refusals)("%s is refused", async (_, options, status, reason) => {
    const { url } = await openEngine({ payloads: { maxPayloadBytes: 1000 } });
    const answer = await upload(url, bytes, options);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({
      schema: "durable-workflow.v2.runtime-external-payload-error.v1",
      reason: `external_payload_${reason}`,
      message: expect.any(String),
      retryable: false,
      status,
    });
    // The connection is of use, or was closed in order.
    expect((await upload(url, bytes)).status).toBe(201);
  });

  it.each([
    ["shorter", "some byte"],
    ["longer", "some bytes!"],
    ["other", "some bytez"],
  ])("whose bytes are %s than announced is refused, without a length too", async (_, sent) => {
    const { url } = await openEngine();
    const answer = await upload(url, sent, {
      headers: {
        "Content-Length": undefined,
        "Transfer-Encoding": "chunked",
        "X-Durable-Workflow-Payload-Size": String(bytes.length),
        "X-Durable-Workflow-Payload-SHA256": sha256(bytes),
      },
    });
    expect([answer.status, answer.body.reason]).toEqual([422, "external_payload_integrity_mismatch"]);
  });

  it("of 12 MB that is refused by its head sees its answer", async () => {
    const { url } = await openEngine({ payloads: { maxPayloadBytes: 1_000_000 } });
    const answer = await upload(url, Buffer.alloc(12_000_000));
    expect([answer.status, answer.body.reason]).toEqual([413, "external_payload_oversized"]);
  });

  it("is for all roles, and for tokens alone", async () => {
    const { url } = await openEngine({ auth: ROLES });
    for (const token of Object.values(ROLES)) {
      const reference = await uploaded(url, "bytes", { token });
      expect((await fetched(url, reference, { token })).status).toBe(200);
    }
    const reference = await uploaded(url, "bytes", { token: ROLES.workerToken });
    for (const token of ["wrong", undefined]) {
      const more = token === undefined ? {} : { token };
      for (const answer of [await upload(url, "bytes", more), await fetched(url, reference, more)]) {
        expect([answer.status, answer.body.reason]).toEqual([401, "external_payload_unauthorized"]);
      }
    }
  });

  it("needs the version header of one of the planes", async () => {
    const { url } = await openEngine();
    const without = { "X-Durable-Workflow-Protocol-Version": undefined };
    const control = { ...without, "X-Durable-Workflow-Control-Plane-Version": "2" };
    expect((await upload(url, "b", { headers: without })).body.reason).toBe("missing_control_plane_version");
    const taken = await upload(url, "b", { headers: control });
    expect([taken.status, taken.headers["x-durable-workflow-control-plane-version"]]).toEqual([201, "2"]);
    const future = { "X-Durable-Workflow-Protocol-Version": "1.99" };
    expect((await upload(url, "b", { headers: future })).body.reason).toBe("unsupported_protocol_version");
  });

  it("takes POST and nothing else, and there is no removing", async () => {
    const { url } = await openEngine();
    const reference = await uploaded(url, "b");
    expect((await payloadRequest(url, UPLOAD, { method: "PUT" })).status).toBe(405);
    const removal = await fetched(url, reference, { method: "DELETE" });
    expect([removal.status, removal.headers["allow"]]).toEqual([405, "GET, HEAD"]);
    const head = await fetched(url, reference, { method: "HEAD" });
    expect([head.status, head.headers["content-length"], head.bytes.length]).toEqual([200, "1", 0]);
  });
});

describe("a fetch", () => {
  it.each([
    ["an id that nothing has", "ep_01JZ8Q9V7N3M5K2H4G6F8D0C1B"],
    ["no id", "etc"],
    ["a path", "..%2f..%2fengine.db"],
  ])("of %s is answered 404", async (_, id) => {
    const { url } = await openEngine();
    const answer = await payloadRequest(url, `${UPLOAD}/${id}`);
    expect([answer.status, answer.body.reason]).toEqual([404, "external_payload_not_found"]);
  });

  it("of another namespace's payload is answered as one of nothing", async () => {
    const { url } = await openEngine({ namespaces: ["other"] });
    const reference = await uploaded(url, "secret of other", { namespace: "other" });
    const answer = await fetched(url, reference);
    expect([answer.status, answer.body.reason]).toEqual([404, "external_payload_not_found"]);
    expect((await fetched(url, reference, { namespace: "other" })).bytes.toString()).toBe("secret of other");
  });

  it.each([
    [{ "X-Durable-Workflow-Payload-Size": "4" }, "integrity_mismatch"],
    [{ "X-Durable-Workflow-Payload-SHA256": sha256("x") }, "integrity_mismatch"],
    [{ "X-Durable-Workflow-Payload-Codec": "json" }, "unsupported"],
    [{ "X-Durable-Workflow-Payload-Size": "three" }, "unsupported"],
  ])("by a reference that says something else is refused: %j", async (headers, reason) => {
    const { url } = await openEngine();
    const reference = await uploaded(url, "abc");
    const answer = await fetched(url, reference, { headers });
    expect([answer.status, answer.body.reason]).toEqual([422, `external_payload_${reason}`]);
  });
});

describe("quotas", () => {
  it("of bytes: over them is 429, for the namespace alone, and the same bytes again cost nothing", async () => {
    const { url } = await openEngine({ namespaces: ["other"], payloads: { namespaceBytes: 100 } });
    await uploaded(url, "x".repeat(60));
    await uploaded(url, "x".repeat(60));
    const answer = await upload(url, "y".repeat(60));
    expect([answer.status, answer.body.reason, answer.body.retryable]).toEqual([
      429,
      "external_payload_namespace_bytes_exhausted",
      true,
    ]);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    await uploaded(url, "y".repeat(40));
    await uploaded(url, "y".repeat(60), { namespace: "other" });
  });

  it("of payloads, also for those that come at the same time", async () => {
    const { url } = await openEngine({ payloads: { namespaceObjects: 3 } });
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => upload(url, `payload ${n}`)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    for (const { status, body } of answers.filter((one) => one.status !== 201)) {
      expect([status, body.reason]).toEqual([429, "external_payload_namespace_objects_exhausted"]);
    }
  });
});

describe("a reference", () => {
  it("goes in with a start, out with the task, in with the result, and out with the description and history", async () => {
    const { client, url } = await openEngine();
    const args = envelopeOf(await uploaded(url, blobOf(2_000_000)));
    const result = envelopeOf(await uploaded(url, blobOf(3_000_000)));
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a", input: args });
    const held = await client.take("w", "q");
    expect(held?.task.arguments).toEqual(args);
    expect((await client.report("complete", held!, { result })).status).toBe(200);
    expect(await client.describe("a")).toMatchObject({ status: "completed", result, payload_codec: "avro" });
    const history = await client.history("a");
    const byType = (type: string) => history.find(({ event_type }) => event_type === type)?.payload;
    expect(byType("StartAccepted").command.payload).toEqual(args);
    expect(byType("ActivityScheduled").activity.arguments).toEqual(args);
    expect(byType("ActivityCompleted").result).toEqual(result);
    expect(byType("WorkflowCompleted").output).toEqual(result);
    expect((await fetched(url, result.external_payload)).status).toBe(200);
    const { body: list } = await client.call("GET", "/api/activities");
    expect(list.activities[0]).toMatchObject({ activity_id: "a", status: "completed" });
  });

  it("in the details of a failure is kept with it, over retries", async () => {
    const { client, url } = await openEngine();
    const details = envelopeOf(await uploaded(url, blobOf(100_000)));
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a", retry_policy: { max_attempts: 2 } });
    for (let attempt = 0; attempt < 2; attempt++) {
      const held = await client.take("w", "q");
      const { status } = await client.report("fail", held!, { failure: { message: "no", details } });
      expect(status).toBe(200);
    }
    const described = await client.describe("a");
    expect(described.failure.details).toEqual(details);
    expect(described.attempts[0].failure.details).toEqual(details);
    const failed = (await client.history("a")).find(({ event_type }) => event_type === "ActivityFailed");
    expect(failed.payload.exception.details).toEqual(details);
  });

  it("mixes with what is inline, which passes over the threshold too", async () => {
    const { client, url } = await openEngine({ payloads: { thresholdBytes: 1000 } });
    const blob = blobOf(50_000);
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a", input: { codec: "avro", blob } });
    const held = await client.take("w", "q");
    expect(held?.task.arguments).toEqual({ codec: "avro", blob });
    const result = envelopeOf(await uploaded(url, blob));
    await client.report("complete", held!, { result });
    expect(await client.describe("a")).toMatchObject({ result });
  });

  const unknown = "ep_01JZ8Q9V7N3M5K2H4G6F8D0C1B";
  const wrong: [string, (reference: never) => unknown, number, string][] = [
    ["that nothing has", (one: object) => envelopeOf({ ...one, reference_id: unknown }), 404, "not_found"],
    ["with another size", (one: object) => envelopeOf({ ...one, size_bytes: 1 }), 422, "integrity_mismatch"],
    ["with another hash", (one: object) => envelopeOf({ ...one, sha256: sha256("x") }), 422, "integrity_mismatch"],
    ["of another codec", (one: object) => ({ codec: "json", external_payload: one }), 422, "integrity_mismatch"],
    ["with a key more", (one: object) => envelopeOf({ ...one, uri: "s3://b/k" }), 422, "unsupported"],
    ["with a blob beside it", (one: object) => ({ ...envelopeOf(one), blob: "" }), 422, "unsupported"],
    ["of another schema", (one: object) => envelopeOf({ ...one, schema: "x" }), 422, "unsupported"],
    ["that is none", () => envelopeOf("ep_"), 422, "unsupported"],
    ["of the old form", () => ({ codec: "avro", external_storage: { uri: "s3://b/k" } }), 422, "unsupported"],
  ];
  it.each(wrong)(
    "%s is refused by start, complete and fail, and nothing is recorded",
    async (_, make, status, reason) => {
      const { client, url } = await openEngine();
      const payload = make((await uploaded(url, "bytes")) as never);
      const start = await client.start("t", "q", { activity_id: "refused", input: payload });
      expect([start.status, start.body.reason, start.body.command_status]).toEqual([
        status,
        `external_payload_${reason}`,
        "rejected",
      ]);
      expect((await client.call("GET", "/api/activities/refused")).status).toBe(404);
      await client.register("w", "q", ["t"]);
      await client.started("t", "q", { activity_id: "a" });
      const held = await client.take("w", "q");
      const expected = {
        schema: "durable-workflow.v2.runtime-external-payload-error.v1",
        task_id: held?.taskId,
        activity_attempt_id: held?.attemptId,
        outcome: "rejected",
        recorded: false,
        reason: `external_payload_${reason}`,
        error: expect.any(String),
        retryable: false,
        status,
      };
      const complete = await client.report("complete", held!, { result: payload });
      expect(complete.status).toBe(status);
      expect(complete.body).toMatchObject(expected);
      const fail = await client.report("fail", held!, { failure: { message: "no", details: payload } });
      expect(fail.status).toBe(status);
      expect(fail.body).toMatchObject(expected);
      expect(await client.describe("a")).toMatchObject({ status: "running", activity_status: "running" });
      expect((await client.report("complete", held!, { result: 1 })).status).toBe(200);
    },
  );

  it("of another namespace is refused as one of nothing", async () => {
    const { client, url } = await openEngine({ namespaces: ["other"] });
    const input = envelopeOf(await uploaded(url, "bytes", { namespace: "other" }));
    const { status, body } = await client.start("t", "q", { input });
    expect([status, body.reason]).toEqual([404, "external_payload_not_found"]);
  });

  it("of the old form is refused wherever in a body it stands, however it is spelt", async () => {
    const { client, url } = await openEngine();
    for (const input of [[{ deep: [{ external_storage: {} }] }], { external_storage: 1 }]) {
      expect((await client.start("t", "q", { input })).body.reason).toBe("external_payload_unsupported");
    }
    const body = '{"activity_type":"t","task_queue":"q","input":[{"external\\u005fstorage":1}]}';
    const answer = await payloadRequest(url, "/api/activities", {
      bytes: body,
      headers: { "Content-Type": "application/json", "X-Durable-Workflow-Control-Plane-Version": "2" },
    });
    expect([answer.status, answer.body.reason]).toEqual([422, "external_payload_unsupported"]);
    expect((await client.start("t", "q", { input: ["external_storage"] })).status).toBe(201);
  });

  it("of a report that is not the lease's is told about the lease first", async () => {
    const { client, url } = await openEngine();
    const result = envelopeOf({ ...(await uploaded(url, "bytes")), size_bytes: 1 });
    await client.register("w", "q", ["t"]);
    await client.started("t", "q");
    const held = await client.take("w", "q");
    const { body } = await client.report("complete", { ...held!, owner: "x" }, { result });
    expect(body.reason).toBe("lease_owner_mismatch");
  });
});
