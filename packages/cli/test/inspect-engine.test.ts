import { createHash } from "node:crypto";
import {
  ACTIVITIES_ONLY,
  CONTROL_PLANE_VERSION,
  CONTROL_PLANE_VERSION_FIELD,
  PATHS,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_FIELD,
} from "@durable-workflow/engine-protocol";
import { INPUT_CONTRACT } from "@durable-workflow/engine-protocol/control";
import { PAYLOAD_ERROR_SCHEMA, PAYLOAD_REFERENCE_SCHEMA } from "@durable-workflow/engine-protocol/external-payloads";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { beforeAll, describe, expect, it } from "vitest";
import { inspect } from "../src/commands/inspect.js";
import type { Inspection } from "../src/inspect/inspection.js";
import type { Mutable } from "./support/carriers.js";
import { runCommand } from "./support/run-command.js";

const NOW = "2026-11-27T12:00:00Z";

async function inspected(document: unknown): Promise<Inspection & { readonly code: number }> {
  const done = await runCommand(inspect, ["--json", "--now", NOW], { stdin: JSON.stringify(document) });
  return { code: done.code, ...(done.json() as Inspection) };
}

/** What an engine of this version answers. */
const answers: Record<string, Mutable> = {};

beforeAll(async () => {
  const engine = createLocalEngine({ file: ":memory:" });
  const { url } = await engine.listen();
  const ask = async (path: string, body?: object): Promise<Mutable> => {
    const headers = {
      "content-type": "application/json",
      "x-namespace": "default",
      [PROTOCOL_VERSION_FIELD]: PROTOCOL_VERSION,
      ...(path === PATHS.activities ? { [CONTROL_PLANE_VERSION_FIELD]: CONTROL_PLANE_VERSION } : {}),
    };
    const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    return (await (await fetch(url + path, { headers, ...sent })).json()) as Mutable;
  };
  const worker = { worker_id: "w", task_queue: "q" };
  answers["info"] = await ask(PATHS.clusterInfo);
  answers["registration"] = await ask(PATHS.register, {
    ...worker,
    runtime: "typescript",
    supported_activity_types: ["greet"],
    capability_manifest: ACTIVITIES_ONLY,
  });
  await ask(PATHS.activities, { activity_type: "greet", task_queue: "q" });
  answers["task"] = await ask(PATHS.poll, { ...worker, poll_request_id: "one" });
  answers["nothing"] = await ask(PATHS.poll, { ...worker, poll_request_id: "two", timeout_seconds: 0 });
  answers["refusal"] = await ask(PATHS.register, { task_queue: 7 });
  await engine.close();
});

it.each([
  ["info", "cluster_info"],
  ["registration", "registration"],
  ["task", "poll_answer"],
  ["nothing", "poll_answer"],
  ["refusal", "engine_refusal"],
])("what an engine of this version answers is recognised, and in order: %s", async (name, kind) => {
  expect(await inspected(answers[name])).toMatchObject({ code: 0, kind, valid: true, violations: [] });
});

describe("a registration", () => {
  const FENCED = { worker_deregistration_fencing: { supported: true } };

  it("tells how often heartbeats are wanted, and never its token", async () => {
    const token = "0123456789abcdef0123456789abcdef";
    const found = await inspected({
      worker_id: "w",
      registered: true,
      registration_token: token,
      heartbeat_interval_seconds: 10,
      capability_manifest: { ...ACTIVITIES_ONLY, query_tasks: { supported: true, minimum_protocol_version: "1.8" } },
      server_capabilities: FENCED,
    });
    expect(found).toMatchObject({ code: 0, kind: "registration" });
    expect(found.facts).toContainEqual({ name: "capabilities", value: "query_tasks" });
    expect(found.notes).toContain("the engine wants a heartbeat of the worker every 10 s");
    expect(JSON.stringify(found)).not.toContain(token);
  });

  it.each([
    [{ registration_token: "short" }, "registration_token", /32 lower-case hex digits/],
    [{ server_capabilities: FENCED }, "registration_token", /must be there/],
    [{ registered: false }, "registered", /must be true/],
  ])("is not in order with %j", async (change, path, message) => {
    const found = await inspected({ worker_id: "w", registered: true, ...change });
    expect(found.violations).toEqual([{ path, message: expect.stringMatching(message) as string, code: null }]);
  });
});

describe("an answer to a poll", () => {
  const renewing = (changes: object): Mutable => ({
    ...structuredClone(answers["task"]),
    server_time: "2026-11-27T12:00:30.000000Z",
    server_capabilities: { activity_lease_renewal: true },
    ...changes,
  });

  it("of an engine that renews leases has its time, and times in one form", async () => {
    const right = await inspected(renewing({}));
    expect(right).toMatchObject({ code: 0 });
    expect(right.facts).toContainEqual({ name: "engine's time", value: "2026-11-27T12:00:30.000000Z" });
    expect(right.notes).toContainEqual(expect.stringContaining("renewed by renew-lease"));
    expect(right.notes).toContainEqual("the engine's time was in 30 s as of this look: deadlines are judged by it");

    const wrong = renewing({ server_time: undefined });
    wrong["task"].lease_expires_at = "2026-11-27T12:05:00Z";
    wrong["task"].deadlines = { start_to_close: "2026-11-27T12:05:00.000+00:00" };
    const paths = (await inspected(wrong)).violations.map(({ path }) => path);
    expect(paths).toEqual(["server_time", "task.lease_expires_at", "task.deadlines.start_to_close"]);
  });

  it.each([
    [{ poll_status: "timeout" }, /nothing to do/],
    [{ poll_status: "no_activity_capability" }, /no activity types/],
    [{ poll_status: "draining", reason: "worker_draining" }, /stop polling/],
    [{ poll_status: "long_poll_capacity_exhausted", retry_after_seconds: 1 }, /too many polls are waiting/],
    [{ poll_status: "backend_unavailable", retry_same_poll_request_id: true }, /the outcome is not known/],
    [{ poll_status: "storage_pressure", reason: "storage_pressure" }, /nothing was recorded/],
  ])("without a task says why: %j", async (answer, why) => {
    const found = await inspected({ task: null, ...answer });
    expect(found).toMatchObject({ kind: "poll_answer", title: "an answer to a poll, without a task" });
    expect(found.notes[0]).toMatch(why);
  });
});

describe("payloads that the engine keeps", () => {
  const reference = {
    schema: PAYLOAD_REFERENCE_SCHEMA,
    reference_id: "ep_01HZXV9Q3WJ7T8K5M2N4P6R8SA",
    codec: "avro",
    size_bytes: 4_000_000,
    sha256: "ab".repeat(32),
  };
  const kept = { codec: "avro", external_payload: reference };

  it("are recognised as references, alone, in an envelope and in a task", async () => {
    expect(await inspected(reference)).toMatchObject({
      code: 0,
      kind: "payload_reference",
      title: "a reference to a payload that the engine keeps",
    });
    expect(await inspected(kept)).toMatchObject({
      code: 0,
      kind: "payload",
      payloads: [{ held: "external", bytes: 4_000_000, decoded: false }],
    });
    const polled = structuredClone(answers["task"]!);
    polled["task"].arguments = kept;
    const found = await inspected(polled);
    expect(found).toMatchObject({ code: 0, payloads: [{ path: "task.arguments", held: "external" }] });
    expect(found.notes).toContainEqual(expect.stringContaining("a carrier cannot resolve it: a dispatcher fetches it"));
  });

  it.each([
    [{ reference_id: "ep_short" }, "external_payload.reference_id"],
    [{ sha256: "x" }, "external_payload.sha256"],
    [{ size_bytes: -1 }, "external_payload.size_bytes"],
  ])("are not in order with %j", async (change, path) => {
    const found = await inspected({ codec: "avro", external_payload: { ...reference, ...change } });
    expect(found.violations).toEqual([
      { path, message: expect.stringMatching(/^must be /) as string, code: "external_payload_unsupported" },
    ]);
  });

  it("of another codec than their envelope are a mismatch", async () => {
    const found = await inspected({ codec: "json", external_payload: reference });
    expect(found.violations).toMatchObject([{ path: "codec", code: "external_payload_integrity_mismatch" }]);
  });

  it("are refused with a reason that is explained", async () => {
    const refusal = { schema: PAYLOAD_ERROR_SCHEMA, message: "gone", retryable: false, status: 410 };
    const found = await inspected({ ...refusal, reason: "external_payload_expired" });
    expect(found).toMatchObject({ code: 0, kind: "engine_refusal", title: "an engine's refusal of a payload" });
    expect(found.notes[0]).toMatch(/^the reason means: .* is removed$/);
    expect(found.prospect?.explanation).toEqual(["Nothing is recorded, and the same request is refused again."]);
    const strange = await inspected({ ...refusal, reason: "external_payload_on_holiday", retryable: true });
    expect(strange.notes[0]).toBe("this version does not know the reason external_payload_on_holiday");
    expect(strange.prospect?.explanation).toEqual(["Nothing is recorded. The same request may succeed later."]);
  });
});

describe("a refusal", () => {
  it.each([
    [{ reason: "task_not_found", error: "x" }, /The lease is not held any more/],
    [{ reason: "backend_unavailable", message: "x", outcome: "unknown" }, /never runs the task twice/],
    [{ reason: "storage_pressure", message: "x", retryable: true, retry_after_seconds: 5 }, /may succeed later/],
    [{ reason: "validation_failed", message: "x" }, /refused again/],
  ])("tells what to do: %j", async (document, what) => {
    const found = await inspected(document);
    expect(found).toMatchObject({ code: 0, kind: "engine_refusal" });
    expect(found.prospect?.explanation[0]).toMatch(what);
  });
});

describe("a published contract", () => {
  const published = (): Mutable => structuredClone(answers["info"]!["worker_protocol"].external_task_input_contract);

  it("counts by its name, its version and its examples, whatever else newer engines say in it", async () => {
    const found = await inspected({ ...published(), scope: "external", boundary: {}, history_event_contracts: [] });
    expect(found).toMatchObject({ code: 0, kind: "contract", title: "the published contract of task inputs" });
    expect(found.facts.filter(({ name }) => name === "example").length).toBeGreaterThan(1);
  });

  it("has examples by the hash of what is really there", async () => {
    const contract = published();
    const [artifact] = Object.values<Mutable>(contract["fixtures"]);
    artifact!["example"].task.id = "another";
    const broken = await inspected(contract);
    expect(broken.violations).toMatchObject([{ path: expect.stringMatching(/^fixtures\..*sha256$/) as string }]);
    artifact!["sha256"] = createHash("sha256").update(JSON.stringify(artifact!["example"])).digest("hex");
    expect(await inspected(contract)).toMatchObject({ code: 0 });
  });

  it("of a third example, of a workflow task that waits, is recognised too", async () => {
    const contract = published();
    const workflow = Object.values<Mutable>(contract["fixtures"]).find(
      ({ example }) => example.task.kind !== "activity_task",
    );
    const example = structuredClone(workflow!["example"]);
    example.workflow.resume = { ...example.workflow.resume, condition_key: "k", condition_definition_fingerprint: "f" };
    example.payloads = { ...example.payloads, signal_arguments: null };
    contract["fixtures"].condition_timeout_history = {
      ...workflow,
      artifact: "durable-workflow.v2.external-task-input.condition-timeout-history.v1",
      example,
      sha256: createHash("sha256").update(JSON.stringify(example)).digest("hex"),
    };
    expect(await inspected(contract)).toMatchObject({ code: 0, violations: [] });
  });

  it("of another version is not in order", async () => {
    const found = await inspected({ ...published(), version: INPUT_CONTRACT.version + 1 });
    expect(found.violations).toMatchObject([{ path: "version" }]);
  });
});
