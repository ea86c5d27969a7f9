import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { Agent } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AnswerLimits, BoundedRequest } from "./bounded-request.js";

/** What the server says to a request for this path; undefined for nothing. */
const ANSWERS: Readonly<Record<string, string | Buffer>> = {
  "/plain": "HTTP/1.1 200 OK\r\nDATE: today\r\nDate: tomorrow\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}",
  "/hints": "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}",
  "/chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
  "/large": `HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n${"x".repeat(1000)}`,
  "/cut": "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc",
  "/odd": "HTTP/1.1 200 OK\r\nContent-Encoding: odd\r\nContent-Length: 2\r\n\r\n{}",
  "/gzip": Buffer.concat([
    Buffer.from("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nConnection: close\r\n\r\n"),
    gzipSync("x".repeat(50)),
  ]),
  "/bomb": Buffer.concat([
    Buffer.from("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nConnection: close\r\n\r\n"),
    gzipSync("x".repeat(5_000)),
  ]),
};

let server: Loopback;
const sockets: Socket[] = [];
const agent = new Agent();

beforeAll(async () => {
  server = await listen(
    createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined);
      socket.on("data", (chunk) => {
        const path = / (\S+) /.exec(chunk.toString("latin1"))?.[1] ?? "";
        const answer = ANSWERS[path];
        if (path === "/nothing") socket.destroy();
        else if (answer !== undefined) socket.write(answer);
        if (path === "/cut" || path === "/gzip" || path === "/bomb") socket.end();
      });
    }),
  );
});

afterAll(async () => {
  await agent.destroy();
  await server.close();
});

function ask(path: string, limits: Partial<AnswerLimits> = {}) {
  const request = new BoundedRequest({ limitBytes: 100, ...limits });
  return { request, answer: request.send(agent, { origin: server.url, method: "GET", path, headers: [] }) };
}

describe("BoundedRequest", () => {
  it("reads four headers, whatever their case, and the first of several", async () => {
    expect((await ask("/plain").answer).head).toEqual({
      status: 200,
      date: "today",
      retryAfter: "7",
      contentEncoding: undefined,
      expectedBytes: 2,
    });
  });

  it.each([
    ["/plain", "{}"],
    ["/hints", "{}"],
    ["/chunked", "abcde"],
    ["/gzip", "x".repeat(50)],
  ])("reads %s whole", async (path, text) => {
    const { read } = await ask(path).answer;
    expect(read.bytes?.toString()).toBe(text);
  });

  it.each([
    ["/large", "too_large"],
    ["/bomb", "too_large"],
    ["/cut", "cut_off"],
    ["/odd", "unknown_encoding"],
  ])("says of %s that it is %s", async (path, problem) => {
    expect(await ask(path).answer).toMatchObject({ head: { status: 200 }, read: { problem } });
  });

  it("gives the connection up with what it does not read", async () => {
    await ask("/plain").answer;
    const closed = Promise.all(sockets.filter(({ destroyed }) => !destroyed).map((socket) => once(socket, "close")));
    await ask("/large").answer;
    await ask("/odd").answer;
    await agent.close();
    await closed;
  });
});

describe("BoundedRequest, on an agent of its own", () => {
  const own = new Agent();
  afterAll(() => own.destroy());
  const send = (request: BoundedRequest, path: string) =>
    request.send(own, { origin: server.url, method: "GET", path, headers: [] });

  it("waits for room before it reads on, and tells how much has come of what says no length", async () => {
    const seen: number[] = [];
    let grant: (isRoom: boolean) => void = () => undefined;
    const room = new Promise<boolean>((resolve) => {
      grant = resolve;
    });
    const begun = new Promise<void>((resolve) => {
      const request = new BoundedRequest({
        limitBytes: 100,
        onHead: () => {
          resolve();
          return room;
        },
        onBytes: (bytes) => seen.push(bytes),
      });
      void send(request, "/chunked");
    });
    await begun;
    expect(seen).toEqual([]);
    grant(true);
    await expect.poll(() => seen).toEqual([3, 5]);
  });

  it.each([
    ["at once", () => false],
    ["later", () => Promise.resolve(false)],
    ["with an error", () => Promise.reject(new Error("no"))],
  ])("ends without room, told %s", async (_, onHead) => {
    const request = new BoundedRequest({ limitBytes: 100, onHead });
    await expect(send(request, "/plain")).rejects.toMatchObject({ name: "AbortError" });
  });

  it("ends as soon as it is called off: before it is sent, and while nothing comes", async () => {
    const before = new BoundedRequest({ limitBytes: 100 });
    before.callOff();
    await expect(send(before, "/plain")).rejects.toMatchObject({ name: "AbortError" });
    const held = new BoundedRequest({ limitBytes: 100 });
    const answer = send(held, "/held");
    held.callOff();
    held.callOff();
    await expect(answer).rejects.toMatchObject({ name: "AbortError" });
  });

  it("rejects with undici's error where no answer has begun", async () => {
    await expect(send(new BoundedRequest({ limitBytes: 100 }), "/nothing")).rejects.toMatchObject({
      code: "UND_ERR_SOCKET",
    });
    const refused = new BoundedRequest({ limitBytes: 100 });
    await expect(
      refused.send(own, { origin: server.url, method: "GET", path: "/plain", headers: ["a b", "c"] }),
    ).rejects.toThrow("invalid header");
  });
});
