import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InvocableActivityHandler } from "@durable-workflow/carrier";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { decodePayload, encodeAvroValue } from "@durable-workflow/carrier/payload";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { envelopeOf, fetched, payloadRequest, sha256, uploaded } from "@durable-workflow/test-support/payloads";
import { afterEach, describe, expect, it } from "vitest";
import { type Activity, type Json, WORKER_TOKEN } from "./support/engine-under-test.js";
import { RealEngine } from "./support/real-engine.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";

// The whole chain without an option for large payloads anywhere: local engine, dispatcher, and a carrier of this repository.

const token = WORKER_TOKEN;
const service = fileURLToPath(new URL("support/service.mjs", import.meta.url));
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function startEngine(leaseMs?: number): Promise<RealEngine> {
  const engine = new RealEngine(leaseMs === undefined ? {} : { leaseMs });
  await engine.start();
  closing.push(() => engine.stop());
  return engine;
}

async function startCarrier(activities: Record<string, (...args: never[]) => unknown>): Promise<Loopback> {
  const carrier = await listen(createServer(nodeInvocableActivityHandler(new InvocableActivityHandler(activities))));
  closing.push(() => carrier.close());
  return carrier;
}

async function dispatch(engine: RealEngine, carrier: Loopback, types: readonly string[]): Promise<Running> {
  const running = await startDispatcher(engine, { config: oneCarrier(carrier.url, types) });
  closing.push(() => running.dispatcher.drain());
  return running;
}

function reported({ outcomes }: Activity): Json {
  const [outcome] = outcomes;
  if (outcome === undefined) throw new Error("nothing was reported");
  return outcome.body;
}

describe("an activity on a local engine", () => {
  it("takes 3 MB and returns 6 MB, by reference on the engine's side and inline on the carrier's", async () => {
    const engine = await startEngine();
    const carrier = await startCarrier({ twice: (text: string) => text + text });
    await dispatch(engine, carrier, ["twice"]);
    const text = "lamp ".repeat(600_000);
    const reference = await uploaded(engine.url, encodeAvroValue([text]), { token });
    const activity = await engine.schedule({ type: "twice", arguments: envelopeOf(reference) });
    await engine.untilStatus(activity, "completed");
    const result = reported(activity)["result"] as {
      readonly external_payload: { readonly size_bytes: number };
    };
    expect(result.external_payload.size_bytes).toBeGreaterThan(8_000_000);
    const { bytes } = await fetched(engine.url, result.external_payload, { token, headers: {} });
    expect(decodePayload({ codec: "avro", blob: bytes.toString() })).toBe(text + text);
  });

  it("that throws large details has them on record", async () => {
    const engine = await startEngine();
    const { ActivityFailure } = await import("@durable-workflow/carrier");
    const carrier = await startCarrier({
      fail: () => {
        throw new ActivityFailure("no", {
          type: "LampOffline",
          retryable: false,
          details: { log: "x".repeat(400_000) },
        });
      },
    });
    await dispatch(engine, carrier, ["fail"]);
    const activity = await engine.schedule({ type: "fail" });
    await engine.untilStatus(activity, "failed");
    const { details } = reported(activity)["failure"] as {
      readonly details: { readonly external_payload: object };
    };
    const { bytes } = await fetched(engine.url, details.external_payload, { token });
    expect(decodePayload({ codec: "avro", blob: bytes.toString() })).toEqual({ log: "x".repeat(400_000) });
  });

  it("whose arguments are another namespace's ends with that", async () => {
    const engine = await startEngine();
    const carrier = await startCarrier({ t: () => null });
    await dispatch(engine, carrier, ["t"]);
    const reference = await uploaded(engine.url, encodeAvroValue(["x"]), { token, namespace: "attic" });
    // Not even started: the engine says so itself.
    await expect(engine.schedule({ type: "t", arguments: envelopeOf(reference) })).rejects.toThrow();
  });

  it("loses no result when its dispatcher is killed between upload and report", async () => {
    const engine = await startEngine(1_000);
    let runs = 0;
    const result = "r".repeat(2_000_000);
    const carrier = await startCarrier({ t: () => `${++runs}`.slice(1) + result });
    const folder = mkdtempSync(join(tmpdir(), "dispatcher-payloads-"));
    const config = join(folder, "config.json");
    writeFileSync(config, JSON.stringify(oneCarrier(carrier.url, ["t"])));
    closing.push(async () => rmSync(folder, { recursive: true }));
    const start = (): ChildProcess => {
      const child = spawn(process.execPath, [service], {
        env: { ...process.env, ENGINE: engine.url, DW_EXTERNAL_EXECUTOR_CONFIG_PATH: config, LEVEL: "fatal" },
        stdio: ["ignore", "ignore", "inherit"],
      });
      closing.push(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill("SIGKILL");
        await once(child, "exit");
      });
      return child;
    };
    let first: ChildProcess | undefined = start();
    let killed = 0;
    engine.interfere = ({ verb }) => {
      if (verb !== "complete" || first === undefined) return undefined;
      // It has uploaded, and is gone before anybody hears of it.
      first.kill("SIGKILL");
      first = undefined;
      killed++;
      return { status: 503, body: "{}" };
    };
    const activity = await engine.schedule({ type: "t", maxAttempts: 5 });
    await engine.until(() => killed === 1, "the kill");
    start();
    await engine.untilStatus(activity, "completed");
    expect(runs).toBe(2);
    expect(activity.outcomes.length).toBe(1);
    const { external_payload: reference } = reported(activity)["result"] as {
      readonly external_payload: { readonly reference_id: string; readonly sha256: string };
    };
    const uploads = engine.calls.filter(
      ({ method, path }) => method === "POST" && path.startsWith("/api/external-payloads"),
    );
    expect(uploads.length).toBe(2);
    const hashes = new Set(uploads.map(({ headers }) => headers["x-durable-workflow-payload-sha256"]));
    expect([...hashes]).toEqual([reference.sha256]);
    const { bytes } = await payloadRequest(engine.url, `/api/external-payloads/v1/${reference.reference_id}`, {
      token,
    });
    expect([sha256(bytes), decodePayload({ codec: "avro", blob: bytes.toString() })]).toEqual([
      reference.sha256,
      result,
    ]);
  });
});
