import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { garbageCollector } from "@durable-workflow/test-support/garbage";
import { expect, it } from "vitest";
import { arrived, cleanUp, openEngine } from "./support/engine.js";
import { FakeClock } from "./support/fake-clock.js";

const WAIT_SECONDS = 300;

/** Counts what is waited for as long as a start may be held. */
class CountingClock extends FakeClock {
  held = 0;

  override schedule(delayMs: number, callback: () => void): () => void {
    if (delayMs !== WAIT_SECONDS * 1000) return super.schedule(delayMs, callback);
    this.held++;
    const cancel = super.schedule(delayMs, callback);
    let isOver = false;
    return () => {
      if (!isOver) this.held--;
      isOver = true;
      cancel();
    };
  }
}

async function connected(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  cleanUp(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** A start that is to be held, on a connection of its own, which holds nothing of what it has sent. */
async function startHeld(url: string, body: string): Promise<Socket> {
  const { hostname } = new URL(url);
  const socket = await connected(url);
  const head = [
    `POST /api/activities?wait=${WAIT_SECONDS} HTTP/1.1`,
    `Host: ${hostname}`,
    "X-Durable-Workflow-Control-Plane-Version: 2",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  await new Promise((sent) => {
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`, sent);
  });
  return socket;
}

const bodyOf = (id: string, input?: unknown) =>
  JSON.stringify({ activity_type: "t", task_queue: "q", activity_id: id, input });

it("is not held for a client that has gone before it was recorded", async () => {
  const clock = new CountingClock();
  const { client, engine, url } = await openEngine({ clock, maxCommitBatch: 1 });
  const socket = await startHeld(url, bodyOf("gone"));
  // Each is a commit of its own, in a turn of the event loop of its own: the start that was sent comes after them.
  const headers = { "x-durable-workflow-control-plane-version": "2" };
  const others = Array.from({ length: 300 }, (_, index) =>
    engine.answer({ method: "POST", path: "/api/activities", headers, body: bodyOf(`other-${index}`) }),
  );
  socket.destroy();
  expect(new Set((await Promise.all(others)).map(({ status }) => status))).toEqual(new Set([201]));
  await arrived();
  expect(await client.describe("gone")).toMatchObject({ status: "running" });
  expect(clock.held).toBe(0);
});

it("keeps nothing of its arguments in memory while it is held", async () => {
  const clock = new CountingClock();
  const { url } = await openEngine({ clock });
  const collect = garbageCollector();
  const inUse = async (): Promise<number> => {
    await arrived();
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const input = { codec: "avro", blob: encodeAvroValue(["x".repeat(1_000_000)]) };
  const started = async (name: string): Promise<void> => {
    for (let count = 0; count < 30; count++) await startHeld(url, bodyOf(`${name}${count}`, input));
  };
  // The engine remembers the first 32 Mi characters of what is to be leased out next.
  await started("first");
  await expect.poll(() => clock.held).toBe(30);
  const before = await inUse();
  await started("then");
  await expect.poll(() => clock.held).toBe(60);
  const held = ((await inUse()) - before) / 30;
  expect(held).toBeLessThan(600_000);
});

it("is answered as every start is where the engine is closed meanwhile", async () => {
  const clock = new CountingClock();
  const { client, engine } = await openEngine({ clock });
  const starting = client.call("POST", `/api/activities?wait=${WAIT_SECONDS}`, JSON.parse(bodyOf("a")));
  await expect.poll(() => clock.held).toBe(1);
  await engine.close();
  expect(await starting).toMatchObject({ status: 201, body: { activity_id: "a", status: "running" } });
  expect(clock.held).toBe(0);
});
