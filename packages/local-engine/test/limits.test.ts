import { once } from "node:events";
import { connect } from "node:net";
import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { until } from "@durable-workflow/test-support/patience";
import { send } from "@durable-workflow/test-support/send";
import { describe, expect, it } from "vitest";
import { cleanUp, openEngine } from "./support/engine.js";

const CONTROL = { "X-Durable-Workflow-Control-Plane-Version": "2" };
const JSON_BODY = { ...CONTROL, "Content-Type": "application/json" };
const MIB = 1_048_576;

const post = (url: string, body: string): ReturnType<typeof send> =>
  send(url, { method: "POST", path: "/api/activities", headers: JSON_BODY, body });

describe("a body over the limit", () => {
  it.each(["known", "unknown"])(
    "of %s length is answered, and the client that sends all of it sees that",
    async (length) => {
      const { url } = await openEngine();
      const bytes = Buffer.alloc(8 * MIB, 0x20);
      const streamed = new ReadableStream({
        start(controller) {
          for (let at = 0; at < bytes.length; at += 65_536) controller.enqueue(bytes.subarray(at, at + 65_536));
          controller.close();
        },
      });
      for (let round = 0; round < 3; round++) {
        const response = await fetch(`${url}/api/activities`, {
          method: "POST",
          headers: JSON_BODY,
          body: length === "known" ? bytes : streamed.tee()[0],
          duplex: "half",
        } as RequestInit);
        expect(response.status).toBe(413);
        expect(await response.json()).toMatchObject({ reason: "payload_too_large", limit: 2 * MIB });
        if (length === "unknown") break;
      }
    },
  );

  it("is answered by its head to a client that asks first, and a smaller one is let through", async () => {
    const { url } = await openEngine();
    const ask = async (length: number): Promise<string> => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      cleanUp(() => socket.destroy());
      const lines = Object.entries({
        ...JSON_BODY,
        Host: "localhost",
        "Content-Length": length,
        Expect: "100-continue",
      });
      socket.write(
        `POST /api/activities HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`,
      );
      const [answer] = (await once(socket, "data")) as [Buffer];
      return answer.toString().split("\r\n")[0] ?? "";
    };
    expect(await ask(3 * MIB)).toBe("HTTP/1.1 413 Payload Too Large");
    expect(await ask(100)).toBe("HTTP/1.1 100 Continue");
  });
});

describe("a body that would take long to read", () => {
  const many = (count: number, one: (n: number) => string): string =>
    Array.from({ length: count }, (_, n) => one(n)).join(",");
  const within = 8 * MIB;

  it.each([
    ["nested lists", 400, "[".repeat(within / 2) + "]".repeat(within / 2)],
    ["nested maps", 400, '{"a":'.repeat(within / 6) + "1" + "}".repeat(within / 6)],
    ["open lists", 400, "[".repeat(within)],
    ["names", 413, `{${many(700_000, (n) => `"k${n}":1`)}}`],
    ["maps", 413, `[${many(700_000, (n) => `{"k${n}":1}`)}]`],
    ["elements", 413, `[${"1,".repeat(within / 2 - 2)}1]`],
  ])("of %s is refused with %d before it is parsed", async (_, expected, body) => {
    const { url } = await openEngine({ maxBodyBytes: within });
    const { status, text } = await post(url, body);
    expect([status, JSON.parse(text).reason]).toEqual([
      expected,
      expected === 400 ? "malformed_json" : "payload_too_large",
    ]);
  });

  it.each([
    ["names", Object.fromEntries(Array.from({ length: 150_000 }, (_, n) => [`k${n}`, 1]))],
    ["empty maps", Array.from({ length: 600_000 }, () => ({}))],
    ["nulls", Array.from({ length: 600_000 }, () => null)],
  ])("of %s in an envelope is refused, and the field named", async (_, value) => {
    const { client } = await openEngine({ maxBodyBytes: within });
    const { status, body } = await client.start("t", "q", { input: { codec: "avro", blob: encodeAvroValue([value]) } });
    expect([status, Object.keys(body.errors)]).toEqual([422, ["input.blob"]]);
  });

  it("is taken where it is long, and not many things", async () => {
    const { client } = await openEngine({ maxBodyBytes: within });
    const values = [
      '\\"[{,:'.repeat(500_000),
      Array.from({ length: 49_000 }, (_, n) => ({ [`k${n % 50}`]: [n, 1.5, true, null, "é"] })),
      [[[{ a: { b: "}" } }]], -1, 2 ** 40],
    ];
    for (const value of values) {
      expect((await client.start("t", "q", { input: [value] })).status).toBe(201);
      const envelope = { codec: "avro", blob: encodeAvroValue([value]) };
      expect((await client.start("t", "q", { input: envelope })).status).toBe(201);
    }
  });
});

describe("lists", () => {
  it("of workers have pages", async () => {
    const { client } = await openEngine();
    for (let n = 0; n < 25; n++) await client.register(`w${String(n).padStart(2, "0")}`, "q", ["t"]);
    expect(Object.keys((await client.call("GET", "/api/workers")).body)).toEqual(["workers"]);
    const seen: string[] = [];
    for (let token: string | undefined = ""; token !== undefined; ) {
      const { body } = await client.call(
        "GET",
        `/api/workers?page_size=10&next_page_token=${encodeURIComponent(token)}`,
      );
      expect(body.workers.length).toBeLessThanOrEqual(10);
      for (const { worker_id: id } of body.workers) seen.push(id);
      token = body.next_page_token;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => `w${String(n).padStart(2, "0")}`));
    expect((await client.call("GET", "/api/workers?page_size=5000")).status).toBe(422);
  });

  it("of workers end early where each has thousands of types", async () => {
    const { client } = await openEngine();
    const types = Array.from({ length: 1000 }, (_, n) => `${"t".repeat(240)}${n}`);
    for (let n = 0; n < 20; n++) await client.register(`w${n}`, "q", types);
    const { body } = await client.call("GET", "/api/workers");
    expect(body.workers.length).toBeLessThan(12);
    expect(typeof body.next_page_token).toBe("string");
  });

  it("of a history are read in parts of a few megabytes, and lose nothing by that", async () => {
    const { client } = await openEngine({ longPollSeconds: 0, maxBodyBytes: 4 * MIB });
    await client.register("w", "q", ["t"]);
    const retry_policy = { max_attempts: 9 };
    const started = await client.started("t", "q", { activity_id: "a", input: ["x".repeat(900_000)], retry_policy });
    for (let attempt = 0; attempt < 9; attempt++) {
      const held = (await client.take("w", "q"))!;
      await client.report("heartbeat", held);
      await client.report("fail", held, { failure: { message: "m".repeat(900_000) } });
    }
    const sequences: number[] = [];
    let pages = 0;
    for (let token: string | null = ""; token !== null; pages++) {
      const path = `/api/workflows/a/runs/${started.workflow_run_id}/history?next_page_token=${encodeURIComponent(token)}`;
      const { body } = await client.call("GET", path);
      expect(JSON.stringify(body).length).toBeLessThan(9 * MIB);
      for (const { sequence } of body.events) sequences.push(sequence);
      token = body.next_page_token;
    }
    expect(sequences).toEqual(Array.from({ length: 3 + 9 * 3 + 1 }, (_, index) => index + 1));
    expect(pages).toBeGreaterThan(5);
    expect(JSON.stringify(await client.describe("a")).length).toBeLessThan(5 * MIB);
  });
});

describe("heartbeats", () => {
  it("by the thousand leave a hundred events, the newest of them with what was said last", async () => {
    const { client, clock } = await openEngine({ longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a" });
    const held = (await client.take("w", "q"))!;
    for (let beat = 1; beat <= 400; beat++) {
      clock.jump(1);
      expect((await client.report("heartbeat", held, { current: beat })).body).toMatchObject({
        heartbeat_recorded: true,
      });
    }
    const beats = (await client.history("a")).filter(({ event_type: type }) => type === "ActivityHeartbeatRecorded");
    expect(beats).toHaveLength(100);
    expect(beats.at(-1).payload.progress).toEqual({ current: 400 });
    await client.report("complete", held);
    const history = await client.history("a");
    expect(history.map(({ sequence }) => sequence)).toEqual(history.map((_, index) => index + 1));
  });
});

describe("readers of events", () => {
  it("that read nothing are let go, and those that read see all of it", async () => {
    const { url, client } = await openEngine();
    const dead = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = connect(Number(new URL(url).port), "127.0.0.1");
        cleanUp(() => socket.destroy());
        socket.on("error", () => {});
        socket.write("GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        await once(socket, "readable");
        return socket;
      }),
    );
    const response = await fetch(`${url}/api/events`);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let read = "";
    const reading = (async () => {
      for (let part = await reader.read(); part.value !== undefined; part = await reader.read()) {
        read += Buffer.from(part.value).toString();
      }
    })();
    const started = 3000;
    for (let n = 0; n < started; n += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          client.started("t".repeat(255), "q".repeat(255), { activity_id: `${"a".repeat(120)}${n + index}` }),
        ),
      );
    }
    const told = (): number => read.split("event: activity.scheduled").length - 1;
    await until(() => told() >= started, "all that was started", 25);
    expect(told()).toBe(started);
    await reader.cancel();
    await reading;
    for (const socket of dead) socket.destroy();
  });

  it("are limited in number", async () => {
    const { url } = await openEngine({ maxEventReaders: 2 });
    const readers = [await fetch(`${url}/api/events`), await fetch(`${url}/api/events`)];
    const third = await fetch(`${url}/api/events`);
    expect([third.status, third.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await third.json()).toMatchObject({ reason: "too_many_event_readers" });
    await readers[0]?.body?.cancel();
    const isFree = async (): Promise<boolean> => {
      const again = await fetch(`${url}/api/events`);
      await again.body?.cancel();
      return again.status === 200;
    };
    await until(isFree, "a free place", 20);
  });
});
