import { getEventListeners } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Act, reply, scriptedEngine, watched } from "../../test/support/scripted-engine.js";
import {
  type EngineHeartbeatOptions,
  engineHeartbeatSender,
  type HeartbeatFetch,
  type HeartbeatFetchResponse,
} from "./engine-heartbeat-sender.js";
import { type Heartbeat, HeartbeatError, isHeartbeatError } from "./heartbeat-sender.js";

const TOKEN = "hush-worker-token";
const PATH = "/api/worker/activity-tasks/task-lamp-7/heartbeat";
const OK = {
  task_id: "task-lamp-7",
  can_continue: true,
  cancel_requested: false,
  reason: null,
  lease_expires_at: "2999-06-01T12:35:00.250833Z",
};
const TAKEN = {
  canContinue: true,
  cancelRequested: false,
  reason: undefined,
  leaseExpiresAt: new Date("2999-06-01T12:35:00.250Z"),
};
const IDENTITY = { activity_attempt_id: "attempt-lamp-7-b", lease_owner: "carrier-cellar" };

function heartbeat(changes: Partial<Heartbeat> = {}): Heartbeat {
  return {
    taskId: "task-lamp-7",
    attemptId: "attempt-lamp-7-b",
    leaseOwner: "carrier-cellar",
    endpoint: PATH,
    progress: undefined,
    signal: new AbortController().signal,
    ...changes,
  };
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllGlobals();
  await Promise.all(closers.splice(0).map((close) => close()));
});

async function engine(...script: readonly Act[]) {
  const server = await scriptedEngine(...script);
  closers.push(() => server.close());
  const sender = (options: Partial<EngineHeartbeatOptions> = {}) =>
    engineHeartbeatSender({ serverUrl: server.url, token: TOKEN, ...options });
  return { ...server, sender };
}

/** What a send fails with: our own error, without the token, whichever way it is looked at. */
async function failure(sent: Promise<unknown>): Promise<HeartbeatError> {
  const error = await sent.then(
    (answer) => expect.fail(`answered ${JSON.stringify(answer)}`),
    (reason: unknown) => reason,
  );
  if (!isHeartbeatError(error)) throw error;
  const shown = [error.message, error.stack, JSON.stringify(error), JSON.stringify(Object.entries(error))].join("\n");
  expect(shown).not.toContain(TOKEN);
  expect(error.cause).toBeUndefined();
  return error;
}

describe("engineHeartbeatSender", () => {
  it("posts the heartbeat to the task's endpoint, as the worker protocol wants it", async () => {
    const { requests, sender } = await engine(reply(200, OK));
    const progress = { message: "dimming", current: 2, total: 7, unit: "lamps", details: { room: "cellar" } };
    expect(await sender({ namespace: "house" }).send(heartbeat({ progress }))).toEqual(TAKEN);

    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: "POST", path: PATH });
    expect(requests[0]?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      "x-namespace": "house",
      "x-durable-workflow-protocol-version": "1.0",
      "content-type": "application/json",
      accept: "application/json",
    });
    expect(JSON.parse(requests[0]?.body ?? "")).toEqual({ ...IDENTITY, ...progress });
  });

  it("sends the identity alone without progress, no namespace unless told, and below the server's path", async () => {
    const { requests, sender, url } = await engine(reply(200, OK));
    await sender({ serverUrl: `${url}/engine/` }).send(heartbeat());
    expect(requests[0]?.path).toBe(`/engine${PATH}`);
    expect(requests[0]?.headers).not.toHaveProperty("x-namespace");
    expect(JSON.parse(requests[0]?.body ?? "")).toEqual(IDENTITY);
  });

  it.each([
    [200, { ...OK, can_continue: false, cancel_requested: true, reason: "run_cancelled" }, true, "run_cancelled"],
    [200, { ...OK, can_continue: false, reason: "attempt_closed" }, false, "attempt_closed"],
    [404, { reason: "task_not_found" }, false, "task_not_found"],
    [404, { reason: "attempt_not_found" }, false, "attempt_not_found"],
    [409, { reason: "task_mismatch" }, false, "task_mismatch"],
    [409, { reason: "lease_owner_mismatch", lease_owner: "another" }, false, "lease_owner_mismatch"],
  ])("reads the end of the attempt from %d %j", async (status, body, cancelRequested, reason) => {
    const { sender } = await engine(reply(status, body));
    expect(await sender().send(heartbeat())).toMatchObject({ canContinue: false, cancelRequested, reason });
  });

  it.each([
    // status, body, retryable, in the message
    [400, { reason: "unsupported_protocol_version" }, false, "status 400 (unsupported_protocol_version)."],
    [401, { reason: "unauthorized", message: "no" }, false, "status 401 (unauthorized)."],
    [403, { reason: "forbidden" }, false, "status 403 (forbidden)."],
    [404, { reason: "namespace_not_found" }, false, "status 404 (namespace_not_found)."],
    [404, "<h1>Not found</h1>", false, "status 404."],
    [409, { reason: "something_new" }, false, "status 409 (something_new)."],
    [413, "", false, "status 413."],
    [422, { reason: "validation_failed" }, false, "status 422 (validation_failed)."],
    [408, "", true, "status 408."],
    [425, "", true, "status 425."],
    [429, { reason: "throttled" }, true, "status 429 (throttled)."],
    [500, { message: "Server Error" }, true, "status 500."],
    [502, "<h1>Bad gateway</h1>", true, "status 502."],
    [503, { can_continue: true }, true, "status 503."],
    [504, "", true, "status 504."],
    // of a 200 that is no answer
    [200, "<h1>Welcome</h1>", true, "status 200, but by nothing that an engine says: does serverUrl lead to it?"],
    [200, '{"can_continue": tr', true, "status 200, but"],
    [200, "", true, "status 200, but"],
    [200, "null", true, "status 200, but"],
    [200, { ...OK, can_continue: "true" }, true, "status 200, but"],
    [200, { task: null }, true, "status 200, but"],
    [204, "", true, "status 204."],
  ])("fails by a %d with %j; retryable: %s", async (status, body, retryable, message) => {
    const { requests, sender } = await engine(reply(status, body));
    const error = await failure(sender().send(heartbeat()));
    expect(error).toMatchObject({ status, retryable, retryAfterMs: undefined });
    expect(error.message).toContain(`The heartbeat was answered with ${message}`);
    expect(requests).toHaveLength(1);
  });

  it("thinks a 401 may pass where the token is asked for each time", async () => {
    const tokens = ["old-token", "new-token"];
    const { requests, sender } = await engine(reply(401, { reason: "unauthorized" }), reply(200, OK));
    const same = sender({ token: async () => tokens.shift() ?? "" });
    expect(await failure(same.send(heartbeat()))).toMatchObject({ status: 401, retryable: true });
    expect(await same.send(heartbeat())).toEqual(TAKEN);
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer old-token", "Bearer new-token"]);
  });

  it.each([
    [429, { "Retry-After": "3" }, 3000],
    [503, { "Retry-After": "0" }, 0],
    [503, { "Retry-After": "86400" }, 60_000],
    [503, { "Retry-After": "Sat, 01 Jun 2999 12:00:05 GMT", Date: "Sat, 01 Jun 2999 12:00:00 GMT" }, 5000],
    [503, { "Retry-After": "Sat, 01 Jun 2999 11:00:00 GMT", Date: "Sat, 01 Jun 2999 12:00:00 GMT" }, 0],
    [503, { "Retry-After": "Sat, 01 Jun 2999 12:00:00 GMT", Date: "whenever" }, 60_000],
    [503, { "Retry-After": "-1" }, undefined],
    [503, { "Retry-After": "1.5" }, undefined],
    [503, { "Retry-After": "soon 5" }, undefined],
    [503, { "Retry-After": "never GMT" }, undefined],
    [503, { "Retry-After": "" }, undefined],
    [503, {}, undefined],
  ])("hears of a %d with %j how long to wait: %s ms", async (status, headers, retryAfterMs) => {
    const { sender } = await engine(reply(status, { reason: "busy" }, headers));
    expect(await failure(sender().send(heartbeat()))).toMatchObject({ status, retryable: true, retryAfterMs });
  });

  describe("progress that is not taken", () => {
    const progress = { current: 2 };

    it.each([[422], [500]])("is left out after a %d, so that the lease is renewed", async (status) => {
      const { requests, sender } = await engine(reply(status, { message: "Server Error" }), reply(200, OK));
      expect(await sender().send(heartbeat({ progress }))).toEqual({ ...TAKEN, progressRefused: true });
      expect(requests.map(({ body }) => JSON.parse(body) as unknown)).toEqual([{ ...IDENTITY, current: 2 }, IDENTITY]);
    });

    it("is not what was wrong when the second fails too", async () => {
      const { requests, sender } = await engine(reply(500), reply(503, "", { "Retry-After": "2" }));
      const error = await failure(sender().send(heartbeat({ progress })));
      expect(error).toMatchObject({ status: 503, retryable: true, retryAfterMs: 2000 });
      expect(error.message).toBe("Repeated without its progress: The heartbeat was answered with status 503.");
      expect(requests).toHaveLength(2);
    });

    it.each([[400], [401], [429], [502], [503], [200], [302]])("is not blamed for a %d", async (status) => {
      const { requests, sender } = await engine(reply(status));
      await failure(sender().send(heartbeat({ progress })));
      expect(requests).toHaveLength(1);
    });
  });

  describe("endpoints", () => {
    it.each([
      ["https://elsewhere.example/api"],
      ["//elsewhere.example/api"],
      ["/api/../admin"],
      ["/api?x=1"],
      [""],
      [undefined as unknown as string],
    ])("%j is refused before the token is asked for", async (endpoint) => {
      const token = vi.fn<() => string>(() => TOKEN);
      const fetch = vi.fn<HeartbeatFetch>();
      const sender = engineHeartbeatSender({ serverUrl: "https://engine.example.com", token, fetch });
      const error = await failure(sender.send(heartbeat({ endpoint })));
      expect(error).toMatchObject({ status: undefined, retryable: false });
      expect(error.message).toContain("The heartbeat was not sent: lease.heartbeat_endpoint must be a path");
      expect(token).not.toHaveBeenCalled();
      expect(fetch).not.toHaveBeenCalled();
    });
  });

  describe("redirects", () => {
    it.each([
      [301, false],
      [302, true],
      [303, true],
      [307, true],
      [308, false],
      [304, false],
    ])("are not followed, and no token with them: %d", async (status, retryable) => {
      const elsewhere = await scriptedEngine(reply(200, OK));
      closers.push(() => elsewhere.close());
      const { requests, sender } = await engine(reply(status, "", { Location: `${elsewhere.url}${PATH}` }));
      const error = await failure(sender().send(heartbeat()));
      expect(error).toMatchObject({ status, retryable });
      expect(error.message).toContain("a redirect, which no token follows: serverUrl must be the engine's own address");
      expect(requests).toHaveLength(1);
      expect(elsewhere.requests).toEqual([]);
    });

    it("are not followed on the same server either", async () => {
      const { requests, sender } = await engine(reply(307, "", { Location: "/other" }), reply(200, OK));
      await failure(sender().send(heartbeat()));
      expect(requests).toHaveLength(1);
    });

    it("are seen where a browser hides their status", async () => {
      const error = await failure(
        engineHeartbeatSender({ serverUrl: "https://e", token: TOKEN, fetch: async () => Response.error() }).send(
          heartbeat(),
        ),
      );
      expect(error).toMatchObject({ status: 0, retryable: true });
      expect(error.message).toContain("a redirect");
    });
  });

  describe("trouble on the way", () => {
    it("is named by its code when nobody listens", async () => {
      const server = await engine();
      await server.close();
      closers.length = 0;
      const error = await failure(server.sender().send(heartbeat()));
      expect(error).toMatchObject({ status: undefined, retryable: true });
      expect(error.message).toBe("The heartbeat was not answered: ECONNREFUSED.");
    });

    it.each<[string, Act]>([
      ["before an answer", (response) => response.destroy()],
      [
        "in the middle of one",
        (response) => {
          response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "500" });
          response.write('{"can_continue": true', () => response.destroy());
        },
      ],
    ])("is a connection cut %s", async (_, act) => {
      const { sender } = await engine(act);
      const error = await failure(sender().send(heartbeat()));
      expect(error).toMatchObject({ status: undefined, retryable: true });
      expect(error.message).toMatch(/^The heartbeat was not answered: \w+\.$/);
    });

    it.each<[string, Act]>([
      ["never comes", () => {}],
      [
        "never ends",
        (response) => {
          response.writeHead(200, { "Content-Type": "application/json" });
          response.write('{"can_continue": true');
        },
      ],
    ])("is an answer that %s: the connection is given up", async (_, act) => {
      const answer = watched(act);
      const { sender } = await engine(answer.act);
      const { signal } = new AbortController();
      const error = await failure(sender({ timeoutMs: 150 }).send(heartbeat({ signal })));
      expect(error).toMatchObject({ status: undefined, retryable: true });
      expect(error.message).toBe("The heartbeat was not answered within 150 ms.");
      await answer.closed;
      expect(getEventListeners(signal, "abort")).toEqual([]);
    });

    it("is a token that does not come in time: nothing is sent when it does", async () => {
      const { requests, sender } = await engine(reply(200, OK));
      let give: ((token: string) => void) | undefined;
      const token = (): Promise<string> =>
        new Promise((resolve) => {
          give = resolve;
        });
      const fetch = vi.fn<HeartbeatFetch>();
      const error = await failure(sender({ token, fetch, timeoutMs: 20 }).send(heartbeat()));
      expect(error.message).toBe("The heartbeat was not answered within 20 ms.");
      give?.(TOKEN);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      expect(fetch).not.toHaveBeenCalled();
      expect(requests).toEqual([]);
    });

    it("is an answer that is too long: no more of it is read", async () => {
      const endless = watched((response) => {
        response.writeHead(200, { "Content-Type": "application/json" });
        response.write(JSON.stringify({ ...OK, padding: "x".repeat(70_000) }).slice(0, -1));
        const more = setInterval(() => response.write("x".repeat(10_000)), 1);
        response.once("close", () => clearInterval(more));
      });
      const { sender } = await engine(endless.act);
      const error = await failure(sender().send(heartbeat()));
      expect(error).toMatchObject({ status: 200, retryable: true });
      await endless.closed;
    });

    it("reads an answer as long as it may be, in pieces that halve characters", async () => {
      const text = JSON.stringify({ ...OK, padding: "€".repeat(20_000) });
      const bytes = Buffer.from(text);
      expect(bytes.length).toBeLessThan(65_536);
      const { sender } = await engine((response) => {
        response.writeHead(200, { "Content-Type": "application/json; charset=utf-8" });
        response.write(bytes.subarray(0, 20_000), () => response.end(bytes.subarray(20_000)));
      });
      expect(await sender().send(heartbeat())).toEqual(TAKEN);
    });
  });

  describe("a heartbeat that is called off", () => {
    it("is not sent when that happened before", async () => {
      const { requests, sender } = await engine(reply(200, OK));
      const token = vi.fn<() => string>(() => TOKEN);
      const error = await failure(sender({ token }).send(heartbeat({ signal: AbortSignal.abort() })));
      expect(error.message).toBe("The heartbeat was called off.");
      expect(token).not.toHaveBeenCalled();
      expect(requests).toEqual([]);
    });

    it("is dropped on the way", async () => {
      const controller = new AbortController();
      const answer = watched(() => controller.abort(new Error(TOKEN)));
      const { sender } = await engine(answer.act);
      const error = await failure(sender().send(heartbeat({ signal: controller.signal })));
      expect(error.message).toBe("The heartbeat was called off.");
      await answer.closed;
      expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    });

    it("leaves no listener behind when it is not", async () => {
      const { signal } = new AbortController();
      const { sender } = await engine(reply(200, OK), reply(500));
      await sender().send(heartbeat({ signal }));
      await failure(sender().send(heartbeat({ signal })));
      expect(getEventListeners(signal, "abort")).toEqual([]);
    });
  });

  describe("tokens", () => {
    it.each([
      ["nothing", () => undefined],
      ["an empty one", () => ""],
      ["one with a line break", () => `${TOKEN}\n`],
      ["one that injects a header", async () => `${TOKEN}\r\nX-Evil: 1`],
      ["one outside ASCII", async () => `${TOKEN}é`],
      ["an object", () => ({ token: TOKEN })],
    ])("fail the one heartbeat that a function gives %s for", async (_, token) => {
      const { requests, sender } = await engine(reply(200, OK));
      const error = await failure(sender({ token: token as () => string }).send(heartbeat()));
      expect(error).toMatchObject({ status: undefined, retryable: true });
      expect(error.message).toContain("the function gave no string of visible ASCII characters");
      expect(requests).toEqual([]);
    });

    it.each([
      ["an error", new RangeError(`cannot read ${TOKEN}`), "RangeError"],
      ["an error with a code", Object.assign(new Error(TOKEN), { code: "ENOENT" }), "ENOENT"],
      ["an error with an odd code", Object.assign(new Error(TOKEN), { code: `not ${TOKEN}` }), "Error"],
      ["text", TOKEN, "unknown error"],
      ["nothing", undefined, "unknown error"],
    ])("fail the one heartbeat that a function throws for: %s", async (_, thrown, name) => {
      const { sender } = await engine(reply(200, OK));
      for (const token of [() => Promise.reject(thrown as Error), () => rethrow(thrown)]) {
        const error = await failure(sender({ token }).send(heartbeat()));
        expect(error).toMatchObject({ status: undefined, retryable: true });
        expect(error.message).toBe(`There is no token for the heartbeat, the token function failed: ${name}.`);
      }
    });

    it("are not repeated after what stands in the engine's place", async () => {
      const token = "hush_worker_token";
      const { sender } = await engine(
        reply(403, { reason: token, message: token, error: token }),
        reply(200, { ...OK, can_continue: false, reason: `no_${token}` }),
      );
      const same = sender({ token });
      const error = await same.send(heartbeat()).catch((reason: unknown) => reason as HeartbeatError);
      expect(error).toBeInstanceOf(HeartbeatError);
      expect(`${(error as HeartbeatError).stack}${JSON.stringify(error)}`).not.toContain(token);
      expect(await same.send(heartbeat())).toMatchObject({ canContinue: false, reason: undefined });
    });

    it("are not in what is said of a fetch that fails", async () => {
      const problem = Object.assign(new TypeError(`bad header Bearer ${TOKEN}`), { request: { token: TOKEN } });
      const fetch = () => Promise.reject(problem);
      const error = await failure(
        engineHeartbeatSender({ serverUrl: "https://e", token: TOKEN, fetch }).send(heartbeat()),
      );
      expect(error.message).toBe("The heartbeat was not answered: TypeError.");
    });
  });

  describe("fetch", () => {
    it("is the global one as it is when a heartbeat is sent", async () => {
      const sender = engineHeartbeatSender({ serverUrl: "https://engine.example.com", token: TOKEN });
      const fetch = vi.fn<HeartbeatFetch>(async () => Response.json(OK));
      vi.stubGlobal("fetch", fetch);
      expect(await sender.send(heartbeat())).toEqual(TAKEN);
      expect(fetch.mock.calls[0]?.[0]).toBe(`https://engine.example.com${PATH}`);
      expect(fetch.mock.calls[0]?.[1].redirect).toBe("manual");
    });

    it("is missed where there is none, for good", async () => {
      vi.stubGlobal("fetch", undefined);
      const sender = engineHeartbeatSender({ serverUrl: "https://engine.example.com", token: TOKEN });
      const error = await failure(sender.send(heartbeat()));
      expect(error).toMatchObject({ retryable: false, message: "There is no global fetch: give one." });
    });

    it("may be one that heeds no signal: the heartbeat fails in time all the same", async () => {
      const sender = engineHeartbeatSender({
        serverUrl: "https://engine.example.com",
        token: TOKEN,
        fetch: () => new Promise<HeartbeatFetchResponse>(() => {}),
        timeoutMs: 10,
      });
      expect((await failure(sender.send(heartbeat()))).message).toContain("within 10 ms");
    });

    it("may throw, answer without a body, or give nonsense", async () => {
      const responses: (() => unknown)[] = [
        () => rethrow(new SyntaxError("x")),
        () => ({ status: 200, headers: new Headers(), body: null }),
        () => undefined,
      ];
      const fetch = (async () => responses.shift()?.()) as HeartbeatFetch;
      const same = engineHeartbeatSender({ serverUrl: "https://e", token: TOKEN, fetch });
      expect((await failure(same.send(heartbeat()))).message).toBe("The heartbeat was not answered: SyntaxError.");
      expect(await failure(same.send(heartbeat()))).toMatchObject({ status: 200, retryable: true });
      expect((await failure(same.send(heartbeat()))).message).toBe("The heartbeat was not answered: TypeError.");
    });

    it("is described by a type that the platform's own fits", () => {
      const own: HeartbeatFetch = globalThis.fetch;
      expect(own).toBeTypeOf("function");
    });
  });

  it.each([
    [{ serverUrl: "" }, "serverUrl must be an http or https URL"],
    [{ serverUrl: "engine.example.com" }, "serverUrl must be an http or https URL"],
    [{ serverUrl: "ftp://engine.example.com" }, "serverUrl must be an http or https URL"],
    [{ serverUrl: `https://worker:${TOKEN}@engine.example.com` }, "serverUrl must be an http or https URL"],
    [{ serverUrl: `https://engine.example.com?token=${TOKEN}` }, "serverUrl must be an http or https URL"],
    [{ serverUrl: undefined }, "serverUrl must be an http or https URL"],
    [{ token: "" }, "token must be"],
    [{ token: " " }, "token must be"],
    [{ token: `${TOKEN}\n` }, "is there a line break at its end?"],
    [{ token: `${TOKEN}\r\nX-Evil: 1` }, "token must be"],
    [{ token: `${TOKEN}é` }, "token must be"],
    [{ token: undefined }, "token must be"],
    [{ token: { value: TOKEN } }, "token must be"],
    [{ namespace: "" }, "namespace must be"],
    [{ namespace: "two words" }, "namespace must be"],
    [{ namespace: "x\r\nX-Evil: 1" }, "namespace must be"],
    [{ namespace: null }, "namespace must be"],
    [{ timeoutMs: 0 }, "timeoutMs must be a number from 1 to 2147483647"],
    [{ timeoutMs: -1 }, "timeoutMs must be"],
    [{ timeoutMs: Number.NaN }, "timeoutMs must be"],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, "timeoutMs must be"],
    [{ timeoutMs: 2 ** 31 }, "timeoutMs must be"],
    [{ timeoutMs: "10" }, "timeoutMs must be"],
    [{ fetch: {} }, "fetch must be a function"],
  ])("refuses options that make no sense, without showing the token: %o", (changes, message) => {
    const options = { serverUrl: "https://engine.example.com", token: TOKEN, ...changes } as EngineHeartbeatOptions;
    const make = () => engineHeartbeatSender(options);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
    expect(make).not.toThrow(TOKEN);
  });
});

function rethrow(error: unknown): never {
  throw error;
}
