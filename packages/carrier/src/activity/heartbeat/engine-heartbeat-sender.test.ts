import { describe, expect, it } from "vitest";
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
import { reply } from "../../../test/support/scripted-engine.js";
import { type EngineHeartbeatOptions, engineHeartbeatSender } from "./engine-heartbeat-sender.js";

closeEnginesAfterEach();

const IDENTITY = { activity_attempt_id: "attempt-lamp-7-b", lease_owner: "carrier-cellar" };

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
    [400, { reason: "missing_protocol_version" }, false, "status 400 (missing_protocol_version)."],
    [400, { reason: "malformed_json" }, true, "status 400 (malformed_json)."],
    [400, "<h1>Bad Request</h1>", true, "status 400."],
    [401, { reason: "unauthorized", message: "no" }, false, "status 401 (unauthorized)."],
    [403, { reason: "forbidden" }, false, "status 403 (forbidden)."],
    [404, { reason: "namespace_not_found" }, true, "status 404 (namespace_not_found)."],
    [404, "<h1>Not found</h1>", true, "status 404."],
    [409, { reason: "something_new" }, true, "status 409 (something_new)."],
    [413, "", true, "status 413."],
    [422, { reason: "validation_failed" }, true, "status 422 (validation_failed)."],
    [405, "", true, "status 405."],
    [408, "", true, "status 408."],
    [412, { reason: "worker_not_registered" }, true, "status 412 (worker_not_registered)."],
    [425, "", true, "status 425."],
    [423, { reason: "backend_lock_pressure" }, true, "status 423 (backend_lock_pressure)."],
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
