import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isClientError } from "../src/index.js";
import { isStart, type Seen } from "./support/harm-proxy.js";
import { errorOf, Scene } from "./support/scene.js";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.set({ payloads: { thresholdBytes: 100_000, maxPayloadBytes: 400_000 } });
});
afterEach(async () => {
  await scene[Symbol.asyncDispose]();
});

const isUpload = ({ method, path }: Seen): boolean => method === "POST" && path.startsWith("/api/external-payloads");
const isFetch = ({ method, path }: Seen): boolean => method === "GET" && path.startsWith("/api/external-payloads");
const isInfo = ({ path }: Seen): boolean => path === "/api/cluster/info";
const LARGE = "lamp ".repeat(30_000);

describe("arguments", () => {
  it("that are small are sent without asking anything", async () => {
    await scene.client().start("greet", ["Ada"]);
    expect(scene.proxy.seen.map(({ path }) => path)).toEqual(["/api/activities"]);
  });

  it("over 64 KiB are sent inline below the engine's threshold, which is asked for once", async () => {
    const client = scene.client();
    await client.start("greet", ["x".repeat(60_000)]);
    await client.start("greet", ["x".repeat(60_000)]);
    expect(scene.proxy.count(isInfo)).toBe(1);
    expect(scene.proxy.count(isUpload)).toBe(0);
    expect(scene.proxy.seen.find(isStart)?.body).toContain('"blob"');
  });

  it("over the threshold are uploaded, a lost answer repeated, and arrive whole", async () => {
    scene.proxy.next(isUpload, { kind: "cut_after" });
    await scene.client().start("greet", [LARGE]);
    expect(scene.proxy.count(isUpload)).toBe(2);
    expect(scene.proxy.seen.find(isStart)?.body).toContain('"external_payload"');
    const held = await scene.worker.take("w", "lamps");
    expect(JSON.stringify(held?.task.arguments)).toContain("external_payload");
  });

  it("over what the engine keeps: an error that names the argument and the bytes, before they are sent", async () => {
    const error = await errorOf(scene.client().start("greet", ["Ada", "y".repeat(500_000)]), isClientError);
    expect(error).toMatchObject({ code: "payload_too_large", retryable: false, mayHaveActed: false });
    expect(error.message).toMatch(
      /have 66\d{4} bytes, and the engine takes at most 400000; the largest is argument 1 with/,
    );
    expect(scene.proxy.seen.map(({ path }) => path)).toEqual(["/api/cluster/info"]);
  });

  it("that cannot be asked about: unreachable, and nothing was done", async () => {
    scene.proxy.always(isInfo, { kind: "cut_before" });
    const error = await errorOf(scene.client().start("greet", [LARGE]), isClientError);
    expect(error).toMatchObject({ code: "unreachable", mayHaveActed: false });
  });
});

/** The worker's result by reference, as a dispatcher uploads it. */
async function completeByReference(): Promise<void> {
  const { createHash } = await import("node:crypto");
  const { encodeAvroValue } = await import("@durable-workflow/carrier/payload");
  const blob = encodeAvroValue(LARGE);
  const answer = await fetch(`${scene.engineUrl}/api/external-payloads/v1`, {
    method: "POST",
    headers: {
      authorization: "Bearer worker-token",
      "content-type": "application/octet-stream",
      "x-durable-workflow-protocol-version": "1.20",
      "x-durable-workflow-payload-codec": "avro",
      "x-durable-workflow-payload-size": String(blob.length),
      "x-durable-workflow-payload-sha256": createHash("sha256").update(blob).digest("hex"),
    },
    body: blob,
  });
  const { reference } = (await answer.json()) as { reference: object };
  const held = await scene.worker.take("w", "lamps");
  if (held === undefined) throw new Error("there is no task");
  const { status } = await scene.worker.report("complete", held, {
    result: { codec: "avro", external_payload: reference },
  });
  expect(status).toBe(200);
}

describe("a result by reference", () => {
  it("is fetched and checked; what is cut off is fetched again", async () => {
    const handle = await scene.client().start("greet", []);
    await completeByReference();
    scene.proxy.next(isFetch, { kind: "truncate" }, { kind: "answer", status: 503, body: "{}" });
    expect(await handle.result()).toBe(LARGE);
    expect(scene.proxy.count(isFetch)).toBe(3);
  });

  it("that does not come: payload_unavailable, and the message says that the activity succeeded", async () => {
    const handle = await scene.client().start("greet", []);
    await completeByReference();
    scene.proxy.always(isFetch, { kind: "cut_before" });
    const error = await errorOf(handle.result(), isClientError);
    expect(error).toMatchObject({ code: "payload_unavailable", retryable: true });
    expect(error.message).toContain("the activity succeeded, but");
    expect(error.handle?.activityId).toBe(handle.activityId);
  });

  it("that is another one: payload_invalid, fetched once", async () => {
    const handle = await scene.client().start("greet", []);
    await completeByReference();
    const headers = { "content-type": "application/octet-stream" };
    scene.proxy.always(isFetch, { kind: "answer", status: 200, body: "x".repeat(20), headers });
    const error = await errorOf(handle.result(), isClientError);
    expect(error).toMatchObject({ code: "payload_invalid", retryable: false });
    expect(error.message).toContain("succeeded");
    expect(scene.proxy.count(isFetch)).toBe(1);
  });

  it("that is none of the codec's: payload_invalid", async () => {
    const handle = await scene.client().start("greet", []);
    await scene.complete("x");
    const body = JSON.stringify({
      ...(await scene.worker.describe(handle.activityId)),
      result: { codec: "json", blob: "e30=" },
    });
    scene.proxy.always(({ method }) => method === "GET", { kind: "answer", status: 200, body });
    expect((await errorOf(handle.result(), isClientError)).code).toBe("payload_invalid");
  });
});
