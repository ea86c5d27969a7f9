import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { afterAll, expect, it } from "vitest";
import { resultFor } from "./support/foreign-carrier.js";
import { PayloadTransport, type Reference } from "./support/payload-transport.js";
import { oneCarrier } from "./support/running.js";
import { ScriptedEngine } from "./support/scripted-engine.js";

// A dispatcher in a process of its own, whose memory is looked at. Engine and carrier keep no payload: they make them.

const MIB = 1024 * 1024;
const TASKS = 50;
const BYTES = 8 * MIB;
const service = fileURLToPath(new URL("support/service.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "dispatcher-memory-"));
const ends: (() => Promise<unknown> | void)[] = [() => rmSync(folder, { recursive: true })];

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

/** The n-th payload: like the others, but for its first characters. */
const common = Buffer.alloc(BYTES, "QUJD");
function payload(number: number): Buffer[] {
  return [Buffer.from(String(number).padStart(8, "A")), common.subarray(8)];
}

/** Reads of the envelope only who is asked, and answers with 8 MiB. */
async function startCarrier(): Promise<Loopback> {
  const server = createServer((request, response) => {
    let head = "";
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (head.length < 4096) head += chunk.toString("latin1");
    });
    request.on("end", () => {
      const { task } = JSON.parse(`${head.split(',"payloads"')[0]}}`) as { task: object };
      if (length < BYTES) response.destroy();
      const text = JSON.stringify(resultFor({ task } as never, { codec: "avro", blob: "HERE" }));
      const [before = "", after = ""] = text.split("HERE");
      const number = Number(/(\d+)-\d+$/.exec((task as { id: string }).id)?.[1]) + 1000;
      response.writeHead(200, { "content-length": String(before.length + after.length + BYTES) });
      response.write(before);
      for (const part of payload(number)) response.write(part);
      response.end(after);
    });
  });
  return listen(server);
}

it(`holds ${TASKS} payloads of 8 MiB each way in bounded memory`, async (context) => {
  const status = (pid: number | undefined): string => readFileSync(`/proc/${pid}/status`, "utf8");
  if (process.platform !== "linux") context.skip("memory is read from /proc");
  const payloads = new PayloadTransport();
  payloads.requestTimeoutSeconds = 60;
  let uploads = 0;
  const known = new Map<string, number>();
  const references: Reference[] = [];
  for (let number = 0; number < TASKS; number++) {
    const [first = Buffer.alloc(0), rest = Buffer.alloc(0)] = payload(number);
    const reference = payloads.put(Buffer.concat([first, rest]));
    references.push(reference);
    known.set(reference.reference_id, number);
    payloads.payloads.clear();
  }
  payloads.fault = ({ method, path, headers }, response) => {
    if (method === "POST") {
      // As much as has come; what came was hashed by whoever sent it.
      uploads++;
      const hash = String(headers["x-durable-workflow-payload-sha256"]);
      const reference = { ...references[0], sha256: hash, size_bytes: Number(headers["content-length"]) };
      const schema = "durable-workflow.v2.runtime-external-payload-upload.v1";
      response.writeHead(201, { "content-type": "application/json" });
      response.end(JSON.stringify({ schema, transport_version: 1, reference }));
      return true;
    }
    const number = known.get(path.split("/").at(-1) ?? "");
    if (number === undefined) return false;
    response.writeHead(200, { "content-length": String(BYTES) });
    for (const part of payload(number)) response.write(part);
    response.end();
    return true;
  };
  const engine = new ScriptedEngine({ payloads });
  engine.keepCalls = false;
  await engine.start();
  ends.push(() => engine.stop());
  const carrier = await startCarrier();
  ends.push(() => carrier.close());
  const config = join(folder, "config.json");
  writeFileSync(config, JSON.stringify(oneCarrier(carrier.url, ["t"])));
  const child = spawn(process.execPath, [service], {
    env: {
      ...process.env,
      ENGINE: engine.url,
      DW_EXTERNAL_EXECUTOR_CONFIG_PATH: config,
      LEVEL: "fatal",
      OPTIONS: JSON.stringify({ maxInFlight: 100, maxPolls: 50, pollSeconds: 1 }),
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  ends.push(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  await engine.until(() => engine.heldPolls > 0, "the first poll");
  const rest = Number(/VmRSS:\s+(\d+)/.exec(status(child.pid))?.[1]) / 1024;
  const executions = references.map((reference) =>
    engine.schedule({ type: "t", arguments: { codec: "avro", external_payload: reference } }),
  );
  await engine.until(() => executions.every(({ status: state }) => state === "completed"), "all of them");
  const peak = Number(/VmHWM:\s+(\d+)/.exec(status(child.pid))?.[1]) / 1024;
  expect(uploads).toBe(TASKS);
  // For whoever wants the figure.
  process.stdout.write(`dispatcher: ${Math.round(rest)} MiB at rest, ${Math.round(peak)} MiB at most\n`);
  // All of it at once would be 800 MiB, without a single copy.
  expect(peak - rest).toBeLessThan(350);
});
