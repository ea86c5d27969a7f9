// One argument and one result of a size through the whole chain (local engine, dispatcher, carrier, each in a process of its
// own), by reference against inline: time, processor time of all three, and what the dispatcher has in memory at most.
import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { encodeAvroValue } from "../packages/carrier/dist/payload/index.js";
import { median } from "./lib.mjs";

const MIB = 2 ** 20;
/** Bytes, how many one after the other, and how many at once. No dispatcher reads an answer of an engine over 16 MiB. */
const SIZES = [
  { bytes: 1 * MIB, tasks: 12, atOnce: 8, isInlineToo: true },
  { bytes: 8 * MIB, tasks: 4, atOnce: 4, isInlineToo: true },
  { bytes: 16 * MIB, tasks: 4, atOnce: 4, isInlineToo: false },
];
const CPU_AIM_MS = 12;

const start = async (file, ...args) => {
  const script = fileURLToPath(new URL(`payloads/${file}.mjs`, import.meta.url));
  const child = fork(script, args, {
    execArgv: ["--expose-gc"],
  });
  const [ready] = await once(child, "message");
  const ask = async () => {
    const answer = once(child, "message");
    child.send("usage");
    return (await answer)[0];
  };
  return { ...ready, ask, stop: () => child.kill() };
};

export async function payloadBenchmarks() {
  console.log("\na large argument and result through the chain");
  for (const { bytes, tasks, atOnce, isInlineToo } of SIZES) {
    const inline = isInlineToo ? await measure("inline", bytes, tasks, atOnce) : undefined;
    const referred = await measure("reference", bytes, tasks, atOnce);
    const name = `${bytes / MIB} MiB`;
    const ratio = (key) => (inline === undefined ? "" : `${(referred[key] / inline[key]).toFixed(2)}x of inline`);
    console.log(`  ${name}: time ${referred.ms.toFixed(0)} ms, ${ratio("ms")}`);
    const aim = bytes === MIB ? `  aim ${CPU_AIM_MS} ms: ${referred.cpuMs <= CPU_AIM_MS ? "met" : "MISSED"}` : "";
    const parts = Object.entries(referred.cpuOf).map(([part, ms]) => `${part} ${ms.toFixed(1)}`);
    console.log(`  ${name}: processor ${referred.cpuMs.toFixed(1)} ms (${parts.join(", ")}), ${ratio("cpuMs")}${aim}`);
    const weight = referred.peakBytes / atOnce / bytes;
    console.log(
      `  ${name}: the dispatcher holds ${weight.toFixed(2)}x of the payload for each of ${atOnce} tasks at once, ` +
        `${ratio("peakBytes")}  aim 2x: ${weight <= 2 ? "met" : "MISSED"}`,
    );
  }
}

async function measure(how, bytes, tasks, atOnce) {
  const engine = await start("engine", how);
  const carrier = await start("carrier");
  const dispatcher = await start("service", engine.url, carrier.url);
  const parts = { engine, dispatcher, carrier };
  const client = new Client(engine.url);
  const args = [];
  for (let i = 0; i < tasks + atOnce + 2; i++) args.push(await client.ready(how, blob(bytes)));
  for (const arg of args.splice(0, 2)) await client.run(arg);
  const before = await usage(parts);
  const took = [];
  for (const arg of args.splice(0, tasks)) {
    const began = performance.now();
    await client.run(arg);
    took.push(performance.now() - began);
  }
  const after = await usage(parts);
  const cpuOf = Object.fromEntries(
    Object.keys(parts).map((part) => [part, (after[part].cpuMs - before[part].cpuMs) / tasks]),
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  await dispatcher.ask();
  const { peakBytes: rest } = await dispatcher.ask();
  await Promise.all(args.map((arg) => client.run(arg)));
  const { peakBytes } = await dispatcher.ask();
  for (const part of Object.values(parts)) part.stop();
  return {
    ms: median(took),
    cpuMs: Object.values(cpuOf).reduce((sum, ms) => sum + ms),
    cpuOf,
    peakBytes: peakBytes - rest,
  };
}

async function usage(parts) {
  return Object.fromEntries(
    await Promise.all(Object.entries(parts).map(async ([name, part]) => [name, await part.ask()])),
  );
}

let made = 0;
/** Of about this size, unlike any other. */
function blob(bytes) {
  return encodeAvroValue([`${++made} ${"lamp ".repeat(Math.floor((bytes * 0.75) / 5) - 8)}`]);
}

class Client {
  #url;
  #started = 0;

  constructor(url) {
    this.#url = url;
  }

  /** What a start is given: the payload, or the reference to it. */
  async ready(how, text) {
    if (how === "inline") return { codec: "avro", blob: text };
    const response = await fetch(`${this.#url}/api/external-payloads/v1`, {
      method: "POST",
      headers: {
        "X-Durable-Workflow-Control-Plane-Version": "2",
        "Content-Type": "application/octet-stream",
        "X-Durable-Workflow-Payload-Codec": "avro",
        "X-Durable-Workflow-Payload-Size": String(text.length),
        "X-Durable-Workflow-Payload-SHA256": createHash("sha256").update(text).digest("hex"),
      },
      body: text,
    });
    if (response.status !== 201) throw new Error(`upload: ${response.status} ${await response.text()}`);
    const { reference } = /** @type {{ reference: unknown }} */ (await response.json());
    return { codec: "avro", external_payload: reference };
  }

  async run(input) {
    const id = `bench-${++this.#started}`;
    const began = performance.now();
    await this.#call("POST", "/api/activities", { activity_id: id, activity_type: "echo", task_queue: "bench", input });
    for (;;) {
      const list = await this.#call("GET", `/api/activities?status=completed&limit=200`);
      if (list.activities.some(({ activity_id: done }) => done === id)) return;
      if (performance.now() - began > 60_000) throw new Error(`${id} did not complete`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #call(method, path, body) {
    const response = await fetch(this.#url + path, {
      method,
      headers: { "X-Durable-Workflow-Control-Plane-Version": "2", "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
    return JSON.parse(text);
  }
}
