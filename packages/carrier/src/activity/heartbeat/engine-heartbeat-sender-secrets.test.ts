import { describe, expect, it, vi } from "vitest";
import {
  closeEnginesAfterEach,
  engine,
  failure,
  heartbeat,
  OK,
  PATH,
  TOKEN,
} from "../../../test/support/heartbeat-engine.js";
import { reply } from "../../../test/support/scripted-engine.js";
import { engineHeartbeatSender, type HeartbeatFetch } from "./engine-heartbeat-sender.js";
import { HeartbeatError } from "./heartbeat-sender.js";

closeEnginesAfterEach();

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
    [304, true],
  ])("are not followed, and no token with them: %d", async (status, retryable) => {
    const elsewhere = await engine(reply(200, OK));
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

  it("may be words that reasons are made of", async () => {
    const { sender } = await engine(reply(404, { reason: "task_not_found" }));
    expect(await sender({ token: "task" }).send(heartbeat())).toMatchObject({ reason: "task_not_found" });
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

function rethrow(error: unknown): never {
  throw error;
}
