import { spawnSync } from "node:child_process";
import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { describe, expect, it } from "vitest";
import { commandLine } from "../src/action/command-line.js";
import { ROUTES } from "../src/index.js";
import { openInspected } from "./support/inspected.js";

/** What the page can do, and what it says of it. */

it("cancels and terminates, and says what came of it", async () => {
  const { client, act } = await openInspected();
  for (const action of ["cancel", "terminate"] as const) {
    await client.started("glow", "lamps", { activity_id: action });
    const dry = await act({ action, id: action, reason: "it's over", dryRun: true });
    expect(dry).toMatchObject({
      done: false,
      error: null,
      command: `dw-carrier ${action} ${action} --reason 'it'\\''s over'`,
    });
    expect((await client.describe(action)).status).toBe("running");
    const done = await act({ action, id: action, reason: "it's over" });
    expect(done).toMatchObject({ action, done: true, error: null, command: dry.command });
    expect((await client.describe(action)).status).toBe(action === "cancel" ? "cancelled" : "terminated");
    const twice = await act({ action, id: action });
    expect(twice).toMatchObject({ done: false, error: { code: "refused" } });
  }
  expect(await act({ action: "cancel", id: "none" })).toMatchObject({ done: false, error: { code: "not_found" } });
});

it("cancels the run that was meant, and no later one of the same id", async () => {
  const { client, act } = await openInspected();
  const { workflow_run_id: first } = await client.started("glow", "lamps", { activity_id: "x" });
  await client.call("POST", "/api/workflows/x/cancel", {});
  await client.started("glow", "lamps", { activity_id: "x" });
  expect(await act({ action: "cancel", id: "x", runId: String(first) })).toMatchObject({ done: false });
  expect((await client.describe("x")).status).toBe("running");
});

describe("starts", () => {
  it("the same again: arguments byte for byte, with every option", async () => {
    const { client, act } = await openInspected();
    const input = { codec: "avro", blob: encodeAvroValue([2n ** 62n, new Uint8Array([0, 255]), { lamp: 7 }]) };
    const options = {
      business_key: "key-1",
      retry_policy: { max_attempts: 3, backoff_seconds: [0, 5], non_retryable_error_types: ["LampError"] },
      start_to_close_timeout_seconds: 60,
      heartbeat_timeout_seconds: 30,
    };
    await client.started("glow", "lamps", { activity_id: "x", input, ...options });
    const outcome = await act({ action: "start_again", id: "x", newId: "y" });
    expect(outcome).toMatchObject({ done: true, started: { id: "y" } });
    expect(outcome.command).toContain(`dw-carrier start glow '[{"$type":"long","value":"4611686018427387904"}`);
    expect(outcome.command).toContain(
      "--max-attempts 3 --backoff 0,5 --non-retryable LampError --start-to-close 60 --heartbeat-timeout 30",
    );
    const eventsOf = async (id: string): Promise<unknown> => {
      const events = await client.history(id);
      const { activity } = events.find(({ event_type: type }) => type === "ActivityScheduled").payload;
      return { input: activity.arguments, policy: activity.retry_policy, type: activity.type, queue: activity.queue };
    };
    expect(await eventsOf("y")).toEqual(await eventsOf("x"));
    expect((await client.describe("y")).business_key).toBe("key-1");
  });

  it("the same with other arguments, in another queue", async () => {
    const { client, act } = await openInspected();
    await client.started("glow", "lamps", { activity_id: "x", input: { codec: "avro", blob: encodeAvroValue([1]) } });
    const outcome = await act({ action: "start_again", id: "x", newId: "y", input: '["other"]', queue: "bells" });
    expect(outcome.command).toBe(`dw-carrier start glow '["other"]' --queue bells --id y --max-attempts 1`);
    expect((await client.describe("y")).task_queue).toBe("bells");
  });

  it("with the payload that the engine keeps, by its reference", async () => {
    const { client, act, get } = await openInspected({ engine: { payloads: { thresholdBytes: 1_000 } } });
    const blob = encodeAvroValue(["x".repeat(5_000)]);
    const { createHash } = await import("node:crypto");
    const sha256 = createHash("sha256").update(blob).digest("hex");
    const { payloadHeaders, PAYLOAD_MEDIA_TYPE, readUploadAnswer } = await import(
      "@durable-workflow/engine-protocol/external-payloads"
    );
    const uploaded = await fetch(`${client.url}/api/external-payloads/v1`, {
      method: "POST",
      headers: {
        "content-type": PAYLOAD_MEDIA_TYPE,
        "x-durable-workflow-control-plane-version": "2",
        ...payloadHeaders({ codec: "avro", sizeBytes: blob.length, sha256 }),
      },
      body: blob,
    });
    const { reference } = readUploadAnswer(await uploaded.json(), { codec: "avro", sizeBytes: blob.length, sha256 });
    const input = { codec: "avro", external_payload: reference };
    await client.started("glow", "lamps", { activity_id: "x", input });
    expect((await act({ action: "start_again", id: "x", newId: "y" })).done).toBe(true);
    const { body } = await get(`${ROUTES.activity}?id=y`);
    expect(body.input).toMatchObject({ state: "reference", sha256, json: null });
    const part = await get(`${ROUTES.payload}?id=y&slot=input&length=20`);
    expect(part.body).toMatchObject({ isVerified: true, sha256, offset: 0, nextOffset: 20 });
  });

  it("anew, with what the engine refuses told in its own words", async () => {
    const { client, act } = await openInspected();
    const outcome = await act({
      action: "start",
      type: "glow",
      queue: "lamps",
      id: "n-1",
      input: '[1,{"a":[true]}]',
      options: { maxAttempts: 2, backoffSeconds: [1], scheduleToStartSeconds: 60 },
    });
    expect(outcome).toMatchObject({ done: true, started: { id: "n-1" }, text: "Started glow as n-1 in queue lamps." });
    const held = await client.register("w1", "lamps", ["glow"]).then(() => client.take("w1", "lamps"));
    expect(held?.task.arguments.blob).toBe(encodeAvroValue([1, { a: [true] }]));
    expect(await act({ action: "start", type: "glow", queue: "lamps", id: "n-1" })).toMatchObject({
      done: false,
      error: { code: "refused", message: "Standalone activity [n-1] is already running." },
    });
    const bad = await act({ action: "start", type: "glow", queue: "lamps", id: "no spaces" });
    expect(bad).toMatchObject({
      done: false,
      error: { code: "refused", message: "The activity id field format is invalid." },
    });
  });
});

it("drains a queue and resumes it", async () => {
  const { client, act, get } = await openInspected();
  await client.started("glow", "lamps");
  expect(await act({ action: "drain_queue", queue: "lamps" })).toMatchObject({
    done: true,
    command: "dw-carrier drain lamps",
  });
  const drained = (await get(ROUTES.queues)).body.queues[0];
  expect(drained.drainingSince).not.toBeNull();
  expect(await act({ action: "start", type: "glow", queue: "lamps" })).toMatchObject({
    done: false,
    error: { code: "refused" },
  });
  expect(await act({ action: "resume_queue", queue: "lamps" })).toMatchObject({ done: true });
  expect((await act({ action: "start", type: "glow", queue: "lamps" })).done).toBe(true);
});

it("a command line is one word for each word, whatever a shell would make of it", () => {
  for (const hostile of [
    "a b",
    "it's",
    '"; rm -rf /',
    "$(id)",
    "`id`",
    "a\nb",
    "*",
    "~",
    "!x",
    "-rf",
    "é…",
    "a'$(x)'b",
    "\\",
  ]) {
    const line = commandLine(
      ["start", "glow", hostile],
      { queue: hostile === "-rf" ? "q" : hostile },
      "--server http://127.0.0.1:1",
    );
    const words = line.replace(/^dw-carrier/, `"$1" -e 'console.log(JSON.stringify(process.argv.slice(1)))' --`);
    const { stdout } = spawnSync("sh", ["-c", words, "sh", process.execPath], { encoding: "utf8" });
    const told = JSON.parse(stdout) as string[];
    expect(told).toContain(hostile);
    if (hostile === "-rf") expect(told.indexOf("--")).toBeLessThan(told.indexOf("-rf"));
  }
});
