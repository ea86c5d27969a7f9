// What starts activities for payloads.mjs, and reads their results.
import { createHash } from "node:crypto";
import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { Pool } from "undici";

const CONTROL = { "X-Durable-Workflow-Control-Plane-Version": "2" };

let made = 0;
/** Of about this size, unlike any other. */
export function blobOf(bytes) {
  return encodeAvroValue([`${++made} ${"lamp ".repeat(Math.floor((bytes * 0.75) / 5) - 8)}`]);
}

export class PayloadClient {
  constructor(url) {
    this.pool = new Pool(url, { connections: 16 });
    this.started = 0;
  }

  /** What starts are given: payloads, or references to them. */
  async inputs(way, bytes, count) {
    const inputs = [];
    for (let i = 0; i < count; i++) {
      const blob = blobOf(bytes);
      inputs.push(way === "inline" ? { codec: "avro", blob } : await this.upload(blob));
    }
    return inputs;
  }

  async upload(text) {
    const answer = await this.call("POST", "/api/external-payloads/v1", text, {
      "Content-Type": "application/octet-stream",
      "X-Durable-Workflow-Payload-Codec": "avro",
      "X-Durable-Workflow-Payload-Size": String(text.length),
      "X-Durable-Workflow-Payload-SHA256": createHash("sha256").update(text).digest("hex"),
    });
    return { codec: "avro", external_payload: JSON.parse(answer).reference };
  }

  /** Starts one task for each input, so many at once, and returns their ids. */
  async startAll(inputs, atOnce) {
    const rest = inputs.map((input) => ({ input, id: `bench-${++this.started}` }));
    const ids = rest.map(({ id }) => id);
    const startNext = async () => {
      for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
        const body = { activity_id: next.id, activity_type: "echo", task_queue: "bench", input: next.input };
        await this.call("POST", "/api/activities", JSON.stringify(body));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, startNext));
    return ids;
  }

  /** Until nothing is open. Asked every 10 ms, which is the chain's time, too. */
  async untilIdle() {
    for (const began = performance.now(); ; ) {
      const answer = await this.call("GET", "/api/activities?status=running&page_size=1");
      if (JSON.parse(answer).activity_count === 0) return;
      if (performance.now() - began > 120_000) throw new Error("not all tasks completed");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Reads all results, and sees that each is that of its task. */
  async readAll(ids, inputs) {
    for (const [at, id] of ids.entries()) {
      const run = JSON.parse(await this.call("GET", `/api/activities/${id}`));
      if (run.status !== "completed") throw new Error(`${id}: ${JSON.stringify(run).slice(0, 500)}`);
      const { result } = run;
      const reference = result.external_payload;
      if (reference === undefined) {
        if (result.blob.length < inputs[at].blob.length - 64) throw new Error(`${id} has another result`);
      } else {
        const bytes = await this.call("GET", `/api/external-payloads/v1/${reference.reference_id}`);
        if (bytes.length !== reference.size_bytes) throw new Error(`${id} has another result`);
      }
    }
  }

  async call(method, path, body, headers = { "Content-Type": "application/json" }) {
    const response = await this.pool.request({ method, path, headers: { ...CONTROL, ...headers }, body });
    const text = await response.body.text();
    if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 300)}`);
    return text;
  }
}
