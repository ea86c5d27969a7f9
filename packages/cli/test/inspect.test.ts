import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InvocableActivityHandler } from "@durable-workflow/carrier";
import { avroDouble, encodeAvroValue, payloadEnvelope } from "@durable-workflow/carrier/payload";
import { buildTaskInput, conformanceHandlers, type TaskInputOptions } from "@durable-workflow/carrier/testing";
import { ACTIVITIES_ONLY, PROTOCOL_VERSION } from "@durable-workflow/engine-protocol";
import { createLocalEngine, type LocalEngine } from "@durable-workflow/local-engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspect } from "../src/commands/inspect.js";
import type { Inspection } from "../src/inspect/inspection.js";
import type { Mutable } from "./support/carriers.js";
import { runCommand } from "./support/run-command.js";

const SHARED = fileURLToPath(new URL("../../../../shared/contract/", import.meta.url));
const NOW = "2026-04-22T01:00:00Z";
const now = Date.parse(NOW);

let folder: string;
let engine: LocalEngine;
let engineUrl: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "inspect-"));
  engine = createLocalEngine({ file: ":memory:" });
  engineUrl = (await engine.listen()).url;
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

type Json = Inspection & { readonly ok: boolean };

async function inspected(document: unknown, ...args: readonly string[]): Promise<Json> {
  const stdin = typeof document === "string" ? document : JSON.stringify(document);
  const run = await runCommand(inspect, ["--json", "--now", NOW, ...args], { stdin });
  if (run.out === "") throw new Error(run.err);
  const found = run.json() as Json;
  expect(run.code).toBe(found.ok ? 0 : 1);
  return found;
}

async function text(document: unknown, ...args: readonly string[]): Promise<string> {
  const run = await runCommand(inspect, ["--now", NOW, ...args], { stdin: JSON.stringify(document) });
  return run.out;
}

const input = (options: TaskInputOptions = {}): Mutable => buildTaskInput({ now, ...options }) as Mutable;
const carrier = new InvocableActivityHandler(conformanceHandlers);

async function resultOf(
  activityType: string,
  args: readonly unknown[] = [],
  more: TaskInputOptions = {},
): Promise<Mutable> {
  return JSON.parse(JSON.stringify(await carrier.handle(buildTaskInput({ activityType, args, ...more })))) as Mutable;
}

describe("a task input", () => {
  it("is decoded with the kinds of its values, its deadlines relative to now", async () => {
    const args = [7, avroDouble(7), 9_007_199_254_740_993n, Uint8Array.of(1, 2), {}, "é"];
    const found = await inspected(input({ activityType: "billing.charge", args, startToCloseMs: 250_000 }));
    expect(found).toMatchObject({ ok: true, kind: "task_input", title: "a task input (activity task)" });
    expect(found.payloads).toMatchObject([
      {
        path: "payloads.arguments",
        codec: "avro",
        value: [
          7,
          { $type: "double", value: "7.0" },
          { $type: "long", value: "9007199254740993" },
          { $type: "bytes", base64: "AQI=" },
          { $type: "map", entries: [] },
          "é",
        ],
      },
    ]);
    expect(found.deadlines).toMatchObject([
      { name: "lease.expires_at", state: "ahead", inMs: 300_000 },
      { name: "deadlines.schedule_to_start", state: "none" },
      { name: "deadlines.start_to_close", state: "ahead", inMs: 250_000 },
      { name: "deadlines.schedule_to_close", state: "none" },
      { name: "deadlines.heartbeat", state: "none" },
    ]);
    expect(found.prospect?.explanation).toEqual(["A carrier that gets it now runs billing.charge."]);
    const readable = await text(input({ activityType: "billing.charge", args, startToCloseMs: 250_000 }));
    expect(readable).toContain("in 4 min 10 s");
    expect(readable).toContain("The handler is called with 6 arguments");
  });

  it("shows every violation with its path", async () => {
    const broken = input();
    broken["version"] = 2;
    broken["task"].attempt = true;
    delete broken["lease"].owner;
    broken["deadlines"].heartbeat = 5;
    const found = await inspected(broken);
    expect(found.ok).toBe(false);
    expect(found.violations.map(({ path }) => path)).toEqual([
      "version",
      "task.attempt",
      "lease.owner",
      "deadlines.heartbeat",
    ]);
    expect(found.violations[1]?.message).toBe("must be an integer >= 1, got true");
    expect(found.prospect?.explanation[0]).toContain("A carrier answers 400");
  });

  it("says what a carrier answers to it now", async () => {
    const explanation = async (document: Mutable) => (await inspected(document)).prospect?.explanation.join(" ");
    expect(await explanation(input({ startToCloseMs: -1000 }))).toContain(
      "deadline_exceeded, for deadlines.start_to_close",
    );
    expect(await explanation(input({ deadlines: { heartbeat: "soon" } }))).toContain(
      "decode_failure (deadlines.heartbeat)",
    );
    expect(await explanation(input({ payload: { codec: "avro", blob: "?" } }))).toContain(
      "decode_failure (payloads.arguments)",
    );
    expect(await explanation(input({ payload: { codec: "json", blob: "[]" } }))).toContain("unsupported_payload");
    const workflow = {
      ...input(),
      history: { events: [], last_sequence: 1, next_page_token: null, encoding: null },
    } as Mutable;
    workflow["task"] = { ...workflow["task"], kind: "workflow_task", compatibility: null };
    workflow["workflow"] = { ...workflow["workflow"], status: null, resume: {} };
    expect(await explanation(workflow)).toContain("A carrier refuses it");
  });

  it("tells how the handler is called, of whatever the arguments are", async () => {
    const notes = async (value: unknown) =>
      (await inspected(input({ payload: payloadEnvelope(value) as never }))).notes;
    expect(await notes([])).toContain("the handler is called with 0 arguments");
    expect(await notes([1])).toContain("the handler is called with 1 argument");
    expect(await notes(null)).toContain("the arguments are null: the handler is called without any");
    expect(await notes("x")).toContain(
      "the arguments are not a list: the handler is called with the value as its one argument",
    );
    expect((await inspected(input())).notes).toContain("the handler is called without arguments");
  });
});

describe("a task result", () => {
  it("is completed when it is a success", async () => {
    const found = await inspected(await resultOf("conformance.echo", [{ a: [1] }]));
    expect(found).toMatchObject({
      ok: true,
      kind: "task_result",
      prospect: { current: "completed", april: "completed" },
    });
    expect(found.payloads).toMatchObject([{ path: "result.payload", value: { a: [1] } }]);
  });

  it("is retried as its own flag, the policy and the attempts say", async () => {
    const poll = join(folder, "poll.json");
    const policy = { max_attempts: 3, backoff_seconds: [2, 5], non_retryable_error_types: ["ConformanceFailure"] };
    const given = async (retry: object | undefined) => {
      await writeFile(poll, JSON.stringify({ task: { task_id: "t", activity_type: "a", retry_policy: retry } }));
    };
    const prospect = async (name: string, attempt: number, ...args: string[]) => {
      const result = await resultOf(name, ["no"], { attempt });
      return (await inspected(result, ...args)).prospect;
    };
    expect(await prospect("conformance.fail", 1)).toMatchObject({ current: "retried_while_attempts_left" });
    expect(await prospect("conformance.fail-non-retryable", 1)).toMatchObject({ current: "failed", april: "failed" });
    await given(policy);
    expect(await prospect("conformance.fail", 1, "--poll", poll)).toMatchObject({ current: "failed", april: "failed" });
    await given({ ...policy, non_retryable_error_types: [] });
    const second = await prospect("conformance.fail", 2, "--poll", poll);
    expect(second).toMatchObject({ current: "retried", april: "retried" });
    expect(second?.explanation.join(" ")).toContain("attempt 2 of 3, the next one after 5 s");
    expect(await prospect("conformance.fail", 3, "--poll", poll)).toMatchObject({ current: "failed" });
    await given(undefined);
    expect((await prospect("conformance.fail", 1, "--poll", poll))?.explanation.join(" ")).toContain("no retry policy");
  });

  it("decodes details, and finds untagged ones", async () => {
    const result = await resultOf("conformance.fail-with-details", ["over", { limit: 7 }]);
    expect((await inspected(result)).payloads).toMatchObject([{ path: "failure.details", value: { limit: 7 } }]);
    result["failure"].details = { limit: 7 };
    const found = await inspected(result);
    expect(found.violations).toMatchObject([
      { path: "failure.details", message: expect.stringContaining("engine drops") },
    ]);
  });

  it("shows malformed output, and what is no result", async () => {
    const result = await resultOf("conformance.fail", ["x"]);
    result["failure"] = { ...result["failure"], kind: "malformed_output", classification: "malformed_output" };
    result["outcome"] = { status: "failed", retryable: false, recorded: false };
    result["raw_output"] = { stdout_preview: "{not json\u001b[2J", exit_code: 64 };
    expect(await inspected(result)).toMatchObject({ ok: true, title: "a task result (malformed output)" });
    expect(await text(result)).not.toContain("\u001b");
    delete result["raw_output"];
    const found = await inspected(result);
    expect(found.violations).toMatchObject([{ path: "raw_output" }]);
    expect(found.prospect).toMatchObject({ current: "failed" });
  });
});

describe("payloads and references", () => {
  it("decodes a bare blob, as text and as a JSON string", async () => {
    const blob = encodeAvroValue({ n: avroDouble(1) });
    const value = { n: { $type: "double", value: "1.0" } };
    expect(await inspected(blob)).toMatchObject({ ok: true, kind: "payload_blob", payloads: [{ value }] });
    expect(await inspected(`${blob}\n`)).toMatchObject({ ok: true, payloads: [{ value }] });
    expect(await inspected(JSON.stringify(blob))).toMatchObject({ ok: true, payloads: [{ value }] });
  });

  it("says what is wrong with one, and knows the old framing", async () => {
    expect(await inspected("AAAA")).toMatchObject({ ok: false, violations: [{ code: "invalid_payload_framing" }] });
    const json = '["Ada",{"n":1}]';
    const old = Buffer.from([0, json.length * 2, ...Buffer.from(json), 2]).toString("base64");
    expect((await inspected(old)).notes).toEqual([`the payload is in the framing of April 2026, which holds ${json}`]);
    expect(await inspected({ codec: "json", blob: "[]" })).toMatchObject({
      violations: [{ code: "unsupported_payload_codec" }],
    });
  });

  it("notes extra keys, and sizes near the limit", async () => {
    expect((await inspected({ ...payloadEnvelope(1), size: 3 })).notes).toMatchObject([
      expect.stringContaining("has size beside"),
    ]);
    expect((await inspected(payloadEnvelope("x".repeat(1_600_000)))).notes).toMatchObject([
      expect.stringContaining("over the default"),
    ]);
  });

  it("checks references, by themselves and in payloads", async () => {
    const reference = {
      schema: "durable-workflow.v2.external-payload-reference.v1",
      uri: "s3://bucket/key",
      sha256: "a".repeat(64),
      size_bytes: 12,
      codec: "avro",
      expires_at: "2026-04-22T00:59:00Z",
    };
    expect(await inspected(reference)).toMatchObject({ ok: true, kind: "payload_reference" });
    expect((await inspected(reference)).notes.join()).toContain("has expired 1 min ago");
    expect(await inspected({ codec: "avro", external_storage: reference })).toMatchObject({
      ok: true,
      payloads: [{ held: "external", bytes: 12, decoded: false }],
    });
    const broken = { ...reference, sha256: "x", size_bytes: -1 };
    expect((await inspected({ codec: "json", external_storage: broken })).violations.map(({ path }) => path)).toEqual([
      "external_storage.sha256",
      "external_storage.size_bytes",
      "codec",
    ]);
  });
});

describe("what comes from an engine", () => {
  it("is a poll answer without a task, with the reason", async () => {
    expect(await inspected({ task: null, poll_status: "no_activity_capability" })).toMatchObject({
      ok: true,
      kind: "poll_answer",
      notes: [expect.stringContaining("registered no activity types")],
    });
    expect(await inspected({ task: null })).toMatchObject({ ok: true, notes: ["there is nothing to do: poll again"] });
  });

  it("is a poll answer with a task, as the local engine gives it", async () => {
    const control = { "content-type": "application/json", "x-durable-workflow-control-plane-version": "2" };
    const worker = { "content-type": "application/json", "x-durable-workflow-protocol-version": PROTOCOL_VERSION };
    const post = async (path: string, headers: Record<string, string>, body: object) =>
      (await fetch(`${engineUrl}/api/${path}`, { method: "POST", headers, body: JSON.stringify(body) })).json();
    await post("activities", control, {
      activity_type: "greet",
      task_queue: "q",
      input: payloadEnvelope(["Ada"]),
      retry_policy: { max_attempts: 2, backoff_seconds: [3], non_retryable_error_types: ["Bad"] },
      heartbeat_timeout_seconds: 20,
    });
    await post("worker/register", worker, {
      worker_id: "w",
      task_queue: "q",
      runtime: "typescript",
      supported_activity_types: ["greet"],
      capability_manifest: ACTIVITIES_ONLY,
    });
    const answer = (await post("worker/activity-tasks/poll", worker, { worker_id: "w", task_queue: "q" })) as Mutable;
    const found = await inspected(answer);
    expect(found).toMatchObject({
      ok: true,
      kind: "poll_answer",
      payloads: [{ path: "task.arguments", value: ["Ada"] }],
    });
    expect(found.prospect?.explanation).toEqual([
      "A failure is followed by another attempt after 3 s: attempt 1 of 2, unless it says non_retryable.",
      "Failures of type Bad end the activity; on servers of April 2026 only when they have details.",
    ]);
    expect(found.notes.join()).toContain("a heartbeat at least every 20 s");
    expect(await inspected(answer["task"])).toMatchObject({ ok: true, kind: "poll_answer" });
    const { lease_owner: _, activity_attempt_id: __, ...task } = answer["task"] as Mutable;
    expect((await inspected({ task })).violations).toEqual([
      { path: "task.activity_attempt_id", message: "must be a string", code: null },
      { path: "task.lease_owner", message: "must be a string", code: null },
    ]);
    const external_executor = {
      name: "m",
      task_queue: "q",
      activity_type: "greet",
      handler: "greet",
      carrier: { name: "c", type: "invocable_http", target: { type: "invocable_http", url: "http://example.com/" } },
    };
    const mapped = await inspected({ task: { ...answer["task"], external_executor } });
    expect(mapped.violations.map(({ code }) => code)).toEqual(["invalid_carrier_target", "missing_invocable_auth_ref"]);
    expect(mapped.violations[0]?.path).toContain("task.external_executor");
  });

  it("is cluster info, whose artifacts are verified", async () => {
    const info = (await (await fetch(`${engineUrl}/api/cluster/info`)).json()) as Mutable;
    const found = await inspected(info);
    expect(found).toMatchObject({ ok: true, kind: "cluster_info" });
    expect(found.facts).toContainEqual({ name: "spoken by this version", value: PROTOCOL_VERSION });
    const contract = info["worker_protocol"].external_task_result_contract;
    const [name = ""] = Object.keys(contract.fixtures);
    expect(await inspected(contract.fixtures[name])).toMatchObject({ ok: true, kind: "artifact" });
    contract.fixtures[name].example.metadata.duration_ms += 1;
    info["worker_protocol"].version = "2.0";
    info["worker_protocol"].external_task_input_contract.version = 2;
    expect((await inspected(info)).violations.map(({ path }) => path)).toEqual([
      "worker_protocol.version",
      "worker_protocol.external_task_input_contract.version",
      `worker_protocol.external_task_result_contract.fixtures.${name}.sha256`,
    ]);
    expect((await inspected(contract.fixtures[name])).violations.map(({ path }) => path)).toEqual(["sha256"]);
  });
});

describe("a recorded exchange", () => {
  const fail = (failure: object) => ({
    request: {
      method: "POST",
      path: "/api/worker/activity-tasks/t/fail",
      body: { failure: { message: "m", ...failure } },
    },
    response: { status: 200, body: { outcome: "failed", recorded: true } },
  });

  /** What the two generations of servers were seen to do. */
  it.each([
    [{}, "retried_while_attempts_left", "retried_while_attempts_left"],
    [{ non_retryable: true }, "failed", "retried_while_attempts_left"],
    [{ non_retryable: true, details: null }, "failed", "failed"],
    [{ retryable: false }, "retried_while_attempts_left", "retried_while_attempts_left"],
    [{ retryable: false, details: null }, "retried_while_attempts_left", "retried_while_attempts_left"],
    [{ retryable: true, non_retryable: true, details: null }, "failed", "failed"],
    [{ kind: "cancellation", cancelled: true }, "retried_while_attempts_left", "retried_while_attempts_left"],
  ])("tells what becomes of a failure: %j", async (failure, current, april) => {
    const found = await inspected(fail(failure));
    expect(found.prospect).toMatchObject({ current, april });
    if (current !== april) expect(await text(fail(failure))).toContain("A server of April 2026");
  });

  it("explains reasons, and that a repeat was not recorded", async () => {
    const repeat = {
      request: { method: "POST", path: "/api/worker/activity-tasks/t/complete", body: { result: payloadEnvelope(1) } },
      response: { status: 409, body: { outcome: "completed", recorded: false, reason: "stale_attempt" } },
    };
    const found = await inspected(repeat);
    expect(found).toMatchObject({
      ok: true,
      prospect: { current: "ignored" },
      payloads: [{ path: "result", value: 1 }],
    });
    expect(found.notes[0]).toContain("maybe by an earlier request of yours");
    const heartbeat = {
      request: { method: "POST", path: "/api/worker/activity-tasks/t/heartbeat", body: {} },
      response: { status: 200, body: { can_continue: false, reason: "run_cancelled" } },
    };
    expect((await inspected(heartbeat)).prospect?.explanation).toEqual([expect.stringContaining("should stop")]);
    expect((await inspected(fail({ message: "" }))).violations).toMatchObject([{ path: "failure.message" }]);
  });

  it("with a carrier is compared: the result must be for the task", async () => {
    const sent = buildTaskInput({ now, activityType: "conformance.echo", args: [1] });
    const answer = JSON.parse(
      JSON.stringify(await carrier.handle(buildTaskInput({ activityType: "conformance.echo" }))),
    ) as Mutable;
    answer["task"] = { ...answer["task"], id: sent.task.id };
    const found = await inspected({ request: { body: sent }, response: { status: 200, body: answer } });
    expect(found.parts.map(({ name, inspection }) => [name, inspection.kind])).toEqual([
      ["request", "task_input"],
      ["response", "task_result"],
    ]);
    expect(found.violations).toMatchObject([{ path: "response.body.task.idempotency_key", code: "malformed_output" }]);
  });
});

describe("configs, policies and refusals", () => {
  const config = {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    carriers: { c: { type: "invocable_http", url: "http://127.0.0.1:8080/", capabilities: ["activity_task"] } },
    mappings: [{ name: "m", kind: "activity", task_queue: "q", activity_type: "a", carrier: "c", handler: "a" }],
    overlays: { prod: { carriers: { c: { url: "https://example.com/" } } } },
  };

  it("explains where activities go", async () => {
    expect(await inspected(config)).toMatchObject({
      ok: true,
      kind: "executor_config",
      facts: [{ name: "q a", value: "http://127.0.0.1:8080/ (carrier c, handler a, no credential)" }],
    });
    expect((await inspected(config, "--overlay", "prod")).violations).toMatchObject([
      { code: "missing_invocable_auth_ref" },
    ]);
  });

  it("shows every error with its code and path", async () => {
    const broken = { ...config, version: 2, mappings: [{ ...config.mappings[0], carrier: "other", extra: 1 }] };
    expect((await inspected(broken)).violations.map(({ code, path }) => [code, path])).toEqual([
      ["unsupported_version", "version"],
      ["invalid_schema", "mappings[0].extra"],
      ["unknown_carrier", "mappings.m"],
    ]);
    const missing = await runCommand(inspect, ["--overlay", "no"], { stdin: JSON.stringify(config) });
    expect([missing.code, missing.err]).toEqual([78, expect.stringContaining("no overlay no")]);
  });

  it("reads storage policies and a carrier's refusal", async () => {
    expect(await inspected({ enabled: true, driver: "s3", config: { bucket: "b" } })).toMatchObject({
      ok: true,
      kind: "storage_policy",
    });
    expect(await inspected({ name: "ns", external_payload_storage: null })).toMatchObject({ ok: true });
    expect(await inspected({ enabled: true, driver: "ftp" })).toMatchObject({
      ok: false,
      violations: [{ path: "driver" }],
    });
    expect(await inspected({ error: "invalid_invocable_request", message: "m" })).toMatchObject({ kind: "refusal" });
  });
});

describe("what is nothing of the contract", () => {
  it("is told with what it nearly is", async () => {
    const { schema: _, ...nearly } = input();
    const { out, code } = await runCommand(inspect, [], { stdin: JSON.stringify(nearly) });
    expect(code).toBe(1);
    expect(out).toContain("It would be a task input if this were put right:");
    expect(out).toContain('schema: must be "durable-workflow.v2.external-task-input", got nothing');
    const json = await runCommand(inspect, ["--json"], { stdin: '{"outcome":{},"carriers":{}}' });
    expect(json.json()).toMatchObject({
      ok: false,
      kind: null,
      nearMisses: [{ title: expect.any(String) }, { title: expect.any(String) }],
    });
  });

  it.each(["[]", "null", "7", "{}", '""'])("is named by its shape: %s", async (stdin) => {
    const { out, code } = await runCommand(inspect, [], { stdin });
    expect([code, out]).toEqual([1, expect.stringContaining("Nothing of the contract: ")]);
  });

  it("is neither JSON nor base64, or not there", async () => {
    const none = await runCommand(inspect, [], { stdin: "{ nonsense }" });
    expect([none.code, none.err]).toEqual([1, expect.stringContaining("neither JSON nor the base64")]);
    expect((await runCommand(inspect, [], { stdin: " " })).code).toBe(2);
    expect((await runCommand(inspect, ["missing.json"], { cwd: folder })).code).toBe(78);
    expect((await runCommand(inspect, ["--now", "soon"], { stdin: "{}" })).code).toBe(2);
    expect((await runCommand(inspect, ["a", "b"])).code).toBe(2);
    expect((await runCommand(inspect, ["--poll", "missing.json"], { stdin: "{}", cwd: folder })).code).toBe(78);
    await writeFile(join(folder, "no-poll.json"), "{}");
    expect((await runCommand(inspect, ["--poll", "no-poll.json"], { stdin: "{}", cwd: folder })).code).toBe(78);
  });
});

const shared = existsSync(SHARED);
describe.skipIf(!shared)(
  `the recordings of servers${shared ? "" : " (skipped: the shared contract is not there)"}`,
  () => {
    it("are all recognised; those of August are in order where the server found them so", async () => {
      const files = readdirSync(join(SHARED, "worker-protocol")).filter((file) => file.endsWith(".json"));
      expect(files.length).toBeGreaterThan(300);
      for (const file of files) {
        const recording = JSON.parse(readFileSync(join(SHARED, "worker-protocol", file), "utf8")) as Mutable;
        const found = await inspected(recording);
        expect(found.kind, file).toBe("exchange");
        const isFine = recording["server"] === "august-2026" && recording["response"].status < 400;
        // Servers pass a result on whatever it holds, so that a payload that nobody can read may well be recorded.
        if (isFine && !/garbage|raw|extra-key/.test(file))
          expect(found.ok, `${file} ${JSON.stringify(found)}`).toBe(true);
      }
    });

    it("has executor configs and envelopes of which none is unknown", async () => {
      for (const folderName of [
        "executor-config/examples",
        "envelopes/external-task-input",
        "envelopes/external-task-result",
      ]) {
        for (const file of readdirSync(join(SHARED, folderName))) {
          const found = await inspected(JSON.parse(readFileSync(join(SHARED, folderName, file), "utf8")));
          expect(found.kind, file).toMatch(/^(?:executor_config|task_input|task_result)$/);
          // Payloads of the published examples are placeholders.
          expect(
            found.violations.filter(({ code }) => code !== "invalid_payload_framing"),
            file,
          ).toEqual([]);
        }
      }
    });
  },
);
