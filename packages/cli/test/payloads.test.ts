import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { createLocalEngine, type LocalEngine } from "@durable-workflow/local-engine";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serve } from "./support/carriers.js";
import { folderOf } from "./support/cli.js";
import { runHere } from "./support/run-here.js";

const HEADERS = { "X-Durable-Workflow-Protocol-Version": "1.15", "Content-Type": "application/json" };

let engine: LocalEngine;
let url: string;
let folder: string;

async function open(options: object = {}): Promise<void> {
  folder = folderOf();
  engine = createLocalEngine({ file: join(folder, "engine.db"), ...options });
  ({ url } = await engine.listen());
}

beforeEach(() => open());
afterEach(() => engine.close());

async function worker(path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/api/worker/${path}`, {
    method: "POST",
    headers: HEADERS,
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}

/** Uploads as a worker does. The envelope with the reference. */
async function uploaded(value: unknown): Promise<{ codec: string; external_payload: Record<string, unknown> }> {
  const blob = encodeAvroValue(value);
  const response = await fetch(`${url}/api/external-payloads/v1`, {
    method: "POST",
    headers: {
      ...HEADERS,
      "Content-Type": "application/octet-stream",
      "X-Durable-Workflow-Payload-Codec": "avro",
      "X-Durable-Workflow-Payload-Size": String(blob.length),
      "X-Durable-Workflow-Payload-SHA256": createHash("sha256").update(blob).digest("hex"),
    },
    body: blob,
  });
  const { reference } = (await response.json()) as { reference: Record<string, unknown> };
  return { codec: "avro", external_payload: reference };
}

/** Does the one task that there is, and reports what it is told to. */
async function work(verb: "complete" | "fail", report: object): Promise<Record<string, unknown>> {
  await worker("register", {
    worker_id: "w",
    task_queue: "default",
    runtime: "typescript",
    supported_activity_types: ["report"],
  });
  const { task } = await worker("activity-tasks/poll", { worker_id: "w", task_queue: "default" });
  const leased = task as Record<string, unknown>;
  const { task_id: id, activity_attempt_id, lease_owner } = leased;
  await worker(`activity-tasks/${String(id)}/${verb}`, { activity_attempt_id, lease_owner, ...report });
  return leased;
}

const cli = (...args: readonly string[]) => runHere([...args, "--server", url], { cwd: folder });

describe("start", () => {
  it("uploads arguments over the threshold, and sends others as they are", async () => {
    const rows = Array.from({ length: 40_000 }, (_, row) => ({ row, text: `row number ${row} of the report` }));
    writeFileSync(join(folder, "big.json"), JSON.stringify([rows]));
    const started = await cli("start", "report", "@big.json", "--id", "big", "--detach");
    expect(started).toMatchObject({ code: 0, stderr: "" });
    const task = await work("complete", { result: 1 });
    expect(task["arguments"]).toEqual({
      codec: "avro",
      external_payload: expect.objectContaining({ size_bytes: encodeAvroValue([rows]).length }),
    });
    await cli("start", "report", "[1]", "--id", "small", "--detach");
    const small = await work("complete", { result: 1 });
    expect(small["arguments"]).toEqual({ codec: "avro", blob: encodeAvroValue([1n]) });
  });

  it("says what the engine takes, before anything is sent", async () => {
    await engine.close();
    await open({ payloads: { thresholdBytes: 70_000, maxPayloadBytes: 80_000 } });
    writeFileSync(join(folder, "big.json"), JSON.stringify(["x".repeat(100_000)]));
    const { code, stderr } = await cli("start", "report", "@big.json");
    expect(code).toBe(2);
    expect(stderr).toMatch(/have \d+ bytes, and the engine takes at most 80000\nPass where the data is/);
  });

  it("says why an upload is refused", async () => {
    await engine.close();
    await open({ payloads: { namespaceBytes: 10, thresholdBytes: 70_000 } });
    writeFileSync(join(folder, "big.json"), JSON.stringify(["x".repeat(100_000)]));
    const { code, stderr } = await cli("start", "report", "@big.json");
    expect([code, stderr]).toEqual([69, expect.stringContaining("external_payload_namespace_bytes_exhausted")]);
  });
});

describe("show", () => {
  it("tells what is known of a large result, and writes it to a file, verified", async () => {
    const value = { rows: Array.from({ length: 100_000 }, (_, row) => row) };
    const result = await uploaded(value);
    await cli("start", "report", "[1]", "--id", "a", "--detach");
    await work("complete", { result });
    const { sha256, size_bytes: sizeBytes, reference_id: referenceId } = result.external_payload;
    const shown = await cli("show", "a");
    expect(shown.stdout).toContain(`kept by the engine as ${String(referenceId)}, SHA-256 ${String(sha256)}`);
    expect(shown.stdout).toContain("--download FILE writes it to a file");
    const json = JSON.parse((await cli("show", "a", "--json")).stdout) as Record<string, unknown>;
    expect(json["references"]).toEqual([
      { part: "result", referenceId, codec: "avro", sizeBytes, sha256, canBeFetched: true, reason: null },
    ]);
    expect((await cli("list", "--details")).stdout).toContain(String(referenceId));

    const written = await cli("show", "a", "--download", "result.json");
    expect(written).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(readFileSync(join(folder, "result.json"), "utf8"))).toEqual(value);
    expect(statSync(join(folder, "result.json")).mode & 0o777).toBe(0o600);
    const again = await cli("show", "a", "--download", "result.json");
    expect([again.code, again.stderr]).toEqual([78, expect.stringContaining("is there already")]);
  });

  it("writes what is inline too, other parts, and says what there is not", async () => {
    const details = await uploaded({ reason: "x".repeat(80_000) });
    await cli("start", "report", '["inline"]', "--id", "a", "--detach");
    await work("fail", { failure: { message: "no", type: "Broken", details } });
    await cli("show", "a", "--download", "arguments.json", "--part", "arguments");
    expect(readFileSync(join(folder, "arguments.json"), "utf8")).toBe('["inline"]\n');
    await cli("show", "a", "--download", "details.json", "--part", "details");
    expect(JSON.parse(readFileSync(join(folder, "details.json"), "utf8"))).toEqual({ reason: "x".repeat(80_000) });
    const none = await cli("show", "a", "--download", "result.json");
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("has no result: it is failed")]);
    expect((await cli("show", "a", "--part", "result")).code).toBe(2);
    expect((await cli("show", "a", "--download", "x", "--part", "all")).code).toBe(2);
  });

  it("writes nothing of a payload that was altered on the way, or on the disk", async () => {
    const result = await uploaded("x".repeat(100_000));
    await cli("start", "report", "[1]", "--id", "a", "--detach");
    await work("complete", { result });
    const size = Number(result.external_payload["size_bytes"]);
    // Between the command and the engine.
    const proxy = await serve((request, response) => {
      void relay(request, response);
    });
    const relay = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const answer = await fetch(`${url}${request.url ?? ""}`, { headers: request.headers as Record<string, string> });
      const body = Buffer.from(await answer.arrayBuffer());
      const isPayload = request.url?.startsWith("/api/external-payloads/") === true && request.method === "GET";
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
      response.end(isPayload ? Buffer.alloc(size, "A") : body);
    };
    const altered = await runHere(["show", "a", "--download", "r.json", "--server", proxy], { cwd: folder });
    expect([altered.code, altered.stderr]).toEqual([1, expect.stringContaining("is not what its reference says")]);
    expect(existsSync(join(folder, "r.json"))).toBe(false);
  });
});

describe("inspect and doctor", () => {
  const reference = {
    schema: "durable-workflow.v2.runtime-external-payload-reference.v1",
    reference_id: "ep_01JZ8Q9V7N3M5K2H4G6F8D0C1B",
    codec: "avro",
    size_bytes: 12,
    sha256: "a".repeat(64),
  };
  const inspect = async (document: object) => {
    const { code, stdout } = await runHere(["inspect", "--json"], { stdin: JSON.stringify(document) });
    return { code, ...(JSON.parse(stdout) as Record<string, unknown>) };
  };

  it("know references, alone and in payloads, and say what is wrong with them", async () => {
    expect(await inspect(reference)).toMatchObject({ code: 0, kind: "payload_reference" });
    expect(await inspect({ codec: "avro", external_payload: reference })).toMatchObject({
      code: 0,
      kind: "payload",
      payloads: [{ held: "external", bytes: 12, decoded: false }],
    });
    expect(await inspect({ codec: "avro", external_payload: { ...reference, reference_id: "x" } })).toMatchObject({
      code: 1,
      violations: [{ path: "external_payload.reference_id", code: "external_payload_unsupported" }],
    });
    expect(await inspect({ codec: "json", external_payload: reference })).toMatchObject({
      code: 1,
      violations: [{ path: "codec", code: "external_payload_integrity_mismatch" }],
    });
  });

  it("say how the engine takes large payloads", async () => {
    const { stdout } = await cli("doctor", "--json");
    expect(stdout).toContain("large payloads are uploaded from 1.0 MiB on, up to 64 MiB");
    const info = await fetch(`${url}/api/cluster/info`).then((answer) => answer.json() as Promise<object>);
    const { facts } = (await inspect(info)) as unknown as { facts: { name: string; value: string }[] };
    expect(facts).toContainEqual({ name: "large payloads", value: "uploaded from 1.0 MiB on, up to 64 MiB" });
  });
});
