import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import {
  closeEnginesAfterEach,
  engine,
  failure,
  heartbeat,
  OK,
  PATH,
  TAKEN,
  TOKEN,
} from "../../../test/support/heartbeat-engine.js";
import { type Act, reply, watched } from "../../../test/support/scripted-engine.js";
import { engineHeartbeatSender, type HeartbeatFetch, type HeartbeatFetchResponse } from "./engine-heartbeat-sender.js";

closeEnginesAfterEach();

describe("trouble on the way", () => {
  it("is named by its code when nobody listens", async () => {
    const server = await engine();
    await server.close();
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
    const begun = vi.fn<Act>(answer.act);
    const { sender } = await engine(begun);
    const { signal } = new AbortController();
    // Its time is over once the engine has it, however slow the machine is.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const failing = failure(sender({ timeoutMs: 150 }).send(heartbeat({ signal })));
    await expect.poll(() => begun).toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(150);
    vi.useRealTimers();
    const error = await failing;
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

  it("reads an answer as long as it may be, in pieces", async () => {
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

function rethrow(error: unknown): never {
  throw error;
}
