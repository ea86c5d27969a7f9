import { execFile } from "node:child_process";
import { Agent, createServer, type IncomingMessage, request } from "node:http";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { fetchInvocableActivityHandler } from "../src/adapters/fetch.js";
import { startChildServer } from "./support/child-server.js";
import { activityTaskEnvelope } from "./support/envelopes.js";
import { listen } from "./support/loopback.js";
import { postHead, RawConnection } from "./support/raw-http.js";

const MIB = 1024 * 1024;
const TASK = JSON.stringify(activityTaskEnvelope());

/** The blob of one argument, a list: so many bytes of base64, of one item again and again. */
function listOf(item: readonly number[], bytes: number): string {
  const header = Buffer.from("c301e2a33dff55802237", "hex");
  const count = Math.floor((bytes * 3) / 4 / item.length) - 16;
  const length: number[] = [];
  for (let left = count * 2; ; left = Math.floor(left / 128)) {
    length.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  const items = Buffer.alloc(count * item.length).fill(Buffer.from(item));
  return Buffer.concat([header, Buffer.from([ARRAY, 2, ARRAY, ...length]), items, Buffer.from([0, 0])]).toString(
    "base64",
  );
}

function taskOf(blob: string, headers: unknown = {}): Buffer {
  return Buffer.from(
    JSON.stringify({ ...activityTaskEnvelope({ payloads: { arguments: { codec: "avro", blob } } }), headers }),
  );
}

/** Branches of the Value schema. */
const NULL = 0;
const STRING = 10;
const ARRAY = 12;
const MAP = 14;

const ONE_NULL = listOf([NULL], 64);

function post(port: number, body: Buffer, agent: Agent): Promise<number | string> {
  return new Promise((resolve) => {
    const sent = request(
      { port, host: "127.0.0.1", method: "POST", agent, headers: { "content-length": body.length } },
      (response: IncomingMessage) => {
        response.resume();
        response.once("close", () => resolve(response.statusCode ?? 0));
      },
    );
    sent.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "failed"));
    sent.end(body);
  });
}

describe("a process", () => {
  it.each([
    {
      of: "the largest bodies of the smallest values",
      body: () => taskOf(listOf([MAP, 0], 8 * MIB - 2000)),
      count: 40,
    },
    { of: "bodies of nothing but JSON", body: () => Buffer.from(`[${"{},".repeat((8 * MIB) / 3 - 2)}{}]`), count: 40 },
    // As many as a task may have: each body is small, and 30 MiB once it was decoded.
    { of: "small bodies of many maps", body: () => taskOf(listOf([MAP, 0], 1.25 * MIB)), count: 24 },
    { of: "bodies of nulls", body: () => taskOf(listOf([NULL], 8 * MIB - 2000)), count: 24 },
    { of: "bodies of short texts", body: () => taskOf(listOf([STRING, 4, 0x61, 0x62], 2 * MIB)), count: 40 },
    {
      of: "headers of many maps",
      body: () => taskOf(ONE_NULL, { x: Array.from({ length: 45_000 }, () => ({})) }),
      count: 200,
    },
    {
      of: "small headers of many maps",
      body: () => taskOf(ONE_NULL, { x: Array.from({ length: 20_000 }, () => ({})) }),
      count: 800,
    },
  ])("with a heap of 256 MB lives through a crowd of $of", async ({ body, count }) => {
    const script = new URL("support/crowded-server.mjs", import.meta.url);
    const server = await startChildServer(script, /^port \d+$/, ["--max-old-space-size=256"]);
    const port = Number(server.line.slice(5));
    const agent = new Agent({ keepAlive: false });
    const sent = body();
    try {
      const seen = await Promise.all(Array.from({ length: count }, () => post(port, sent, agent)));
      expect(new Set(seen)).toEqual(new Set([...seen].filter((status) => [200, 400, 503].includes(Number(status)))));
      expect(seen).toContain(503);
      expect(await post(port, Buffer.from(TASK), agent)).toBe(200);
    } finally {
      agent.destroy();
      await server.stop();
    }
  });

  it("is not kept by a handler that never settles, with idempotency", async () => {
    const script = new URL("support/unsettled.mjs", import.meta.url);
    // The lease is a minute.
    const { stdout } = await promisify(execFile)(process.execPath, [script.pathname], { timeout: 50_000 });
    expect(stdout.trim()).toBe("deadline_exceeded");
  });
});

it("the fetch adapter behind a Node server goes on with a connection after a body that was too large", async () => {
  const handle = fetchInvocableActivityHandler({ "lamps.dim": () => 1 }, { bodyLimitBytes: 1000 });
  const server = await listen(
    createServer((incoming, outgoing) => {
      const init = { method: "POST", body: Readable.toWeb(incoming), duplex: "half" } as unknown as RequestInit;
      const headers = { "content-length": incoming.headers["content-length"] ?? "" };
      void handle(
        new Request("http://carrier.test/", { ...init, ...(incoming.url === "/told" ? { headers } : {}) }),
      ).then(async (response) => {
        outgoing.statusCode = response.status;
        outgoing.end(await response.text());
      });
    }),
  );
  const raw = new RawConnection(server.port);
  try {
    for (const [at, path] of ["/", "/told"].entries()) {
      raw.send(postHead(1_000_000).replace("/invoke", path) + "x".repeat(500_000));
      expect((await raw.statusCodes(2 * at + 1)).at(-1)).toBe(413);
      raw.send("x".repeat(500_000) + postHead(TASK.length) + TASK);
      expect((await raw.statusCodes(2 * at + 2)).at(-1)).toBe(200);
    }
  } finally {
    raw.drop();
    await server.close();
  }
});
