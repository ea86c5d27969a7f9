import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { allPages, readDescription } from "@durable-workflow/client/tools";
import { describe, expect, it } from "vitest";
import { NoAnswer } from "../src/net/exchange.js";
import { HttpClient } from "../src/net/http-client.js";
import { serve } from "./support/carriers.js";
import { runHere } from "./support/run-here.js";

const AT = "2026-11-27T12:00:00.000000Z";
const ACTIVITY = {
  activity_id: "a",
  workflow_run_id: "r",
  activity_type: "greet",
  task_queue: "q",
  namespace: "default",
  activity_status: "running",
  attempt_count: 1,
  status: "running",
  started_at: AT,
  closed_at: null,
  result: null,
};
const EVENT = { sequence: 1, event_type: "ActivityScheduled", timestamp: AT, payload: {} };

const json = (response: ServerResponse, document: unknown): void => {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document));
};
const path = ({ url = "" }: IncomingMessage): string => new URL(url, "http://engine.test").pathname;

const LINES = ["list", "list --details", "show a", "start greet"];

describe("what is no engine", () => {
  const others: Readonly<Record<string, RequestListener>> = {
    "an empty object": (_, response) => json(response, {}),
    "a list": (_, response) => json(response, []),
    null: (_, response) => json(response, null),
    "a page": (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>Sign in</html>"),
    nothing: (_, response) => response.writeHead(204).end(),
    "a redirection": (_, response) => response.writeHead(302, { location: "/login" }).end(),
    "fields of other types": (_, response) =>
      json(response, { ...ACTIVITY, status: 7, activity_id: {}, activities: [{ activity_id: null }], events: "none" }),
    "lists of other things": (_, response) =>
      json(response, { ...ACTIVITY, started_at: "?", activities: [1], events: [[]] }),
    "a broken document": (_, response) => response.writeHead(200).end('{"activities": ['),
    "what is packed in an unknown way": (_, response) =>
      response.writeHead(200, { "content-encoding": "snappy" }).end("x"),
    "what is not packed as it says": (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("{}"),
  };

  it.each(Object.entries(others))(
    "%s: 69, a question, and no stack",
    async (_, listener) => {
      const url = await serve(listener);
      for (const line of LINES) {
        const { code, stderr } = await runHere([...line.split(" "), "--server", url]);
        expect({ line, code }).toEqual({ line, code: 69 });
        expect(stderr).toMatch(/Is this the address of an engine|cannot be reached|It may have done all the same/);
        expect(stderr).not.toMatch(/TypeError|\n {4}at |undefined|internal/);
      }
      const { code, stdout } = await runHere(["list", "--server", url, "--json"]);
      expect([code, JSON.parse(stdout)]).toEqual([
        69,
        { error: expect.objectContaining({ code: "unreachable" }) as object },
      ]);
    },
    40_000,
  );

  it("names the field", async () => {
    const url = await serve((_, response) =>
      json(response, { activities: [ACTIVITY, { ...ACTIVITY, started_at: "today" }] }),
    );
    const { stderr } = await runHere(["list", "--server", url]);
    expect(stderr).toContain("/api/activities as no engine does: activities[1].started_at must be a time\n");
    expect(() => readDescription({ ...ACTIVITY, attempt_count: -1 })).toThrow("attempt_count must be a count");
  });
});

describe("answers without end", () => {
  const LARGE = Buffer.alloc(80 * 1024 * 1024, " ");
  const packed =
    (encoding: string, body: Buffer): RequestListener =>
    (_, response) =>
      response.writeHead(200, { "content-type": "application/json", "content-encoding": encoding }).end(body);

  it.each<readonly [string, RequestListener]>([
    ["gzip", packed("gzip", gzipSync(LARGE))],
    ["deflate", packed("deflate", deflateSync(LARGE))],
    ["br", packed("br", brotliCompressSync(LARGE))],
    [
      "nothing, and never ends",
      (_, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        const chunk = Buffer.alloc(1024 * 1024, " ");
        const write = (): void => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on("drain", write);
        write();
      },
    ],
  ])(
    "a body packed with %s is cut off",
    async (_, listener) => {
      const { code, stderr } = await runHere(["list", "--server", await serve(listener)]);
      expect({ code, stderr }).toEqual({ code: 69, stderr: expect.stringContaining("larger than 64 MiB") as string });
    },
    30_000,
  );

  it("an answer that is packed, and small, is read", async () => {
    const body = JSON.stringify({ activities: [ACTIVITY], next_page_token: null });
    for (const [name, bytes] of [
      ["gzip", gzipSync(body)],
      ["br", brotliCompressSync(body)],
    ] as const) {
      const { code, stdout } = await runHere(["list", "--server", await serve(packed(name, bytes))]);
      expect([code, stdout]).toEqual([0, expect.stringContaining("greet")]);
    }
  });

  it("a body that drips ends with the time for the whole answer", async () => {
    const url = await serve((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(timer));
    });
    const http = new HttpClient({ env: {} });
    const started = performance.now();
    const failed = http.exchange(new URL(url), { method: "GET", headers: {}, timeoutMs: 400 });
    await expect(failed).rejects.toMatchObject({ name: "NoAnswer", why: "timeout" });
    expect(performance.now() - started).toBeLessThan(10_000);
    await expect(
      http.exchange(new URL(url), { method: "GET", headers: {}, timeoutMs: 5_000, limitBytes: 3 }),
    ).rejects.toThrow(NoAnswer);
  });

  it.each<readonly [string, (count: number) => object, RegExp]>([
    ["the same token", () => ({ next_page_token: "again" }), /the same page of the .* again and again/],
    ["two tokens in turn", (count) => ({ next_page_token: String(count % 2) }), /again and again/],
    [
      "pages without anything",
      (count) => ({ next_page_token: String(count), activities: [], events: [] }),
      /an empty page/,
    ],
  ])(
    "pages with %s end",
    async (_, changes, why) => {
      let count = 0;
      const url = await serve((request, response) =>
        path(request).startsWith("/api/activities/")
          ? json(response, ACTIVITY)
          : json(response, { activities: [ACTIVITY], events: [EVENT], ...changes(count++) }),
      );
      for (const line of ["list --limit 1000", "show a"]) {
        const { code, stderr } = await runHere([...line.split(" "), "--server", url]);
        expect({ line, code, stderr }).toEqual({ line, code: 69, stderr: expect.stringMatching(why) as string });
      }
    },
    30_000,
  );

  it("pages that always bring something new end, and those that are wanted are read", async () => {
    const read = (size: number) => {
      let count = 0;
      return () => Promise.resolve({ items: Array.from({ length: size }, () => 0), next: String(count++) });
    };
    await expect(allPages("events", read(1))).rejects.toThrow("the events have no end: after 10001 there are more");
    await expect(allPages("events", read(300_000))).rejects.toThrow("no end");
    expect(await allPages("events", read(7), 20)).toHaveLength(20);
  });

  it("an engine whose stream of events does not begin, or has no line ends, is asked", async () => {
    for (const streams of [false, true]) {
      let asked = 0;
      const url = await serve((request, response) => {
        if (path(request) === "/api/events") {
          if (!streams) return;
          response.writeHead(200, { "content-type": "text/event-stream" });
          response.write("x".repeat(200_000));
          return;
        }
        if (path(request).endsWith("/history")) return json(response, { events: [EVENT] });
        asked++;
        return json(response, asked < 3 ? ACTIVITY : { ...ACTIVITY, status: "completed", closed_at: AT });
      });
      const { code, stdout } = await runHere(["start", "greet", "--server", url]);
      expect([code, stdout]).toEqual([0, expect.stringContaining("completed")]);
    }
  });
});

it.each([".", ".."])("the id %s is refused: no path can name it", async (id) => {
  for (const command of ["show", "cancel", "terminate"]) {
    expect(await runHere([command, id, "--server", "http://127.0.0.1:1"])).toMatchObject({ code: 2 });
  }
  expect(await runHere(["start", "greet", "--id", id, "--server", "http://127.0.0.1:1"])).toMatchObject({ code: 2 });
});
