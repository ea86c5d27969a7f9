import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { PassThrough } from "node:stream";
import { afterEach, describe, expect, it, vi } from "vitest";
import { activityTaskEnvelope } from "../../test/support/envelopes.js";
import { type Loopback, listen } from "../../test/support/loopback.js";
import type { InvocableHttpOptions } from "../http/index.js";
import { nodeInvocableActivityHandler } from "./node.js";

const HANDLERS = { "lamps.dim": (lamp: string, level: number) => `${lamp} at ${level}` };
const ENVELOPE = activityTaskEnvelope();
const TASK = JSON.stringify(ENVELOPE);

let server: Loopback | undefined;

afterEach(() => server?.close());

type Next = (error?: unknown) => void;
type Middleware = (request: IncomingMessage, response: ServerResponse, next: Next) => void;

/** Runs middleware one after the other, as Express and Connect do. */
async function stack(...layers: readonly Middleware[]): Promise<Loopback> {
  server = await listen(
    createServer((request, response) => {
      const run = (at: number): void => layers[at]?.(request, response, () => run(at + 1));
      run(0);
    }),
  );
  return server;
}

function carrier(options?: InvocableHttpOptions): Middleware {
  return nodeInvocableActivityHandler(HANDLERS, options);
}

function post(to: Loopback, body = TASK, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(to.url, { method: "POST", body, headers });
}

/** Reads the stream to its end, and leaves what it makes of it on the request. */
function bodyParser(parse: (bytes: Buffer) => unknown): Middleware {
  return (request, _, next) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      Object.assign(request, { body: parse(Buffer.concat(chunks)) });
      next();
    });
  };
}

const slow: Middleware = (_request, _response, next) => {
  setTimeout(next, 20);
};

/** Not its media type: some parsers leave an empty object all the same. */
const passing: Middleware = (request, _, next) => {
  Object.assign(request, { body: {} });
  next();
};

describe("behind a body parser", () => {
  it.each([
    ["an object", (bytes: Buffer) => JSON.parse(bytes.toString()) as unknown],
    ["text", (bytes: Buffer) => bytes.toString()],
    ["bytes", (bytes: Buffer) => bytes],
  ])("takes what it left: %s", async (_, parse) => {
    const response = await post(await stack(bodyParser(parse), carrier()));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ task: { id: "task-lamp-7" }, outcome: { status: "succeeded" } });
  });

  it.each([
    ["a list", () => [ENVELOPE]],
    ["a form", () => ({ schema: "x" })],
  ])("answers 400 where it left %s", async (_, parse) => {
    expect((await post(await stack(bodyParser(parse), carrier()))).status).toBe(400);
  });

  it.each([
    ["nothing", () => undefined],
    ["null", () => null],
    ["an empty object", () => ({})],
    ["a number", () => 7],
    ["empty text", () => ""],
  ])("says so, as what may be tried again, where it left %s", async (_, parse) => {
    const response = await post(await stack(bodyParser(parse), carrier()));
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({
      error: "request_body_unavailable",
      message: expect.stringContaining("before body parsers"),
    });
  });

  it("answers 400 where there was nothing to read", async () => {
    expect(
      (
        await post(
          await stack(
            bodyParser(() => ({})),
            carrier(),
          ),
          "",
        )
      ).status,
    ).toBe(400);
    expect(
      (
        await post(
          await stack(
            bodyParser(() => ({})),
            carrier(),
          ),
          "{}",
        )
      ).status,
    ).toBe(400);
  });

  it("takes what is left in rawBody, which is what was sent", async () => {
    const parsedOnly: Middleware = (request, response, next) =>
      bodyParser((bytes) => ({ parsed: bytes.length }))(request, response, () => next());
    const raw =
      (as: (bytes: Buffer) => unknown): Middleware =>
      (request, _, next) => {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
          Object.assign(request, { body: { no: "task" }, rawBody: as(Buffer.concat(chunks)) });
          next();
        });
      };
    for (const as of [(bytes: Buffer) => bytes, (bytes: Buffer) => bytes.toString()]) {
      expect((await post(await stack(raw(as), carrier()))).status).toBe(200);
      await server?.close();
      expect((await post(await stack(raw(as), carrier({ bodyLimitBytes: 100 })))).status).toBe(413);
      await server?.close();
    }
    expect((await post(await stack(parsedOnly, carrier()))).status).toBe(400);
  });

  it("takes what is played back, as Vercel's helpers do it", async () => {
    const restore =
      (ends: boolean, body?: unknown): Middleware =>
      (request, _, next) => {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
          const replica = new PassThrough();
          const on = request.on.bind(request);
          const wrapped = (name: string, listener: (...args: unknown[]) => void) =>
            name === "data" || name === "end" ? replica.on(name, listener) : on(name, listener);
          Object.assign(request, { on: wrapped, addListener: wrapped, read: replica.read.bind(replica), body });
          if (ends) replica.end(Buffer.concat(chunks));
          setImmediate(next);
        });
      };
    expect((await post(await stack(restore(true), carrier()))).status).toBe(200);
    await server?.close();
    expect((await post(await stack(restore(true), carrier({ bodyLimitBytes: 100 })))).status).toBe(413);
    await server?.close();
    expect((await post(await stack(restore(false), carrier()))).status).toBe(500);
    await server?.close();
    // What it made of a form is no task; what it made of JSON is.
    const form = restore(true, { '{"schema":"durable-workflow.v2.external-task-input"': "" });
    const to = await stack(form, carrier());
    expect((await post(to, TASK, { "content-type": "application/x-www-form-urlencoded" })).status).toBe(200);
    await server?.close();
    const parsed = await stack(restore(false, JSON.parse(TASK)), carrier());
    expect((await post(parsed, TASK, { "content-type": "application/json" })).status).toBe(200);
  });

  it("holds what it has parsed to the limit", async () => {
    const parser = bodyParser((bytes) => JSON.parse(bytes.toString()));
    expect((await post(await stack(parser, carrier({ bodyLimitBytes: 100 })))).status).toBe(413);
  });

  it("that has set an encoding for the stream leaves text", async () => {
    const encode: Middleware = (request, _, next) => {
      request.setEncoding("utf8");
      next();
    };
    expect((await post(await stack(encode, carrier()))).status).toBe(200);
  });

  it("that waits before it goes on", async () => {
    const parser = bodyParser((bytes) => JSON.parse(bytes.toString()));
    expect((await post(await stack(parser, slow, carrier()))).status).toBe(200);
  });

  it("that passed this request over reads the stream itself", async () => {
    expect((await post(await stack(passing, carrier()))).status).toBe(200);
  });

  it("holds what is left as bytes or text to the limit", async () => {
    for (const parse of [(bytes: Buffer) => bytes, (bytes: Buffer) => bytes.toString()]) {
      expect((await post(await stack(bodyParser(parse), carrier({ bodyLimitBytes: 100 })))).status).toBe(413);
      await server?.close();
    }
  });
});

describe("with a `next`", () => {
  it("does not call it for what it answers, whatever that is", async () => {
    const next = vi.fn<Next>();
    const to = await stack((request, response) => carrier()(request, response, next));
    expect((await post(to)).status).toBe(200);
    expect((await post(to, "no")).status).toBe(400);
    expect((await fetch(to.url)).status).toBe(405);
    expect(next).not.toHaveBeenCalled();
  });

  it("hands it the error when somebody else has begun the answer", async () => {
    const next = vi.fn<Next>();
    const to = await stack((request, response) => {
      response.write("too early");
      carrier()(request, response, (error) => {
        next(error);
        response.end();
      });
    });
    expect(await (await post(to)).text()).toBe("too early");
    expect(next).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "ERR_HTTP_HEADERS_SENT" }));
  });

  it("hangs up in that case where there is none", async () => {
    const to = await stack((request, response) => {
      response.write("too early");
      nodeInvocableActivityHandler(HANDLERS)(request, response);
    });
    await expect(post(to).then((response) => response.text())).rejects.toThrow(TypeError);
  });

  it("has nothing to do where somebody else has answered already", async () => {
    const next = vi.fn<Next>();
    const to = await stack((request, response) => {
      response.end("mine");
      carrier()(request, response, next);
    });
    expect(await (await post(to)).text()).toBe("mine");
    expect((await post(to)).status).toBe(200);
  });
});

describe("nodeInvocableActivityHandler", () => {
  it("throws for bad handlers and options when it is made", () => {
    expect(() => nodeInvocableActivityHandler({ "lamps.dim": 7 as never })).toThrow(TypeError);
    expect(() => nodeInvocableActivityHandler(HANDLERS, { bodyLimitBytes: 0 })).toThrow(TypeError);
  });
});
