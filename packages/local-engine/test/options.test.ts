import { send } from "@durable-workflow/test-support/send";
import { describe, expect, it } from "vitest";
import { createLocalEngine, type LocalEngineOptions } from "../src/index.js";
import { OPTION_NAMES } from "../src/options.js";
import { openEngine } from "./support/engine.js";

const create = (options: object) => () => createLocalEngine({ file: ":memory:", ...options } as LocalEngineOptions);

/** For each option a value that it does not take. */
const BAD: Record<string, unknown> = {
  file: 5,
  auth: "token",
  namespaces: "default",
  leaseSeconds: "300",
  shortLeaseSeconds: 0,
  freeRedeliveries: -1,
  longPollSeconds: 1.5,
  maxWaitingPolls: null,
  maxEventReaders: Number.NaN,
  maxBodyBytes: 10,
  payloads: { thresholdBytes: 0 },
  retentionSeconds: "never",
  externalExecutorConfig: { path: 1 },
  integrityCheck: "none",
  maxCommitBatch: 0,
  serverId: "",
  logger: { info() {} },
  clock: { now: 5 },
};

describe("options", () => {
  it.each(OPTION_NAMES[""])("%s is checked, and known by this name only", (name) => {
    expect(Object.keys(BAD)).toContain(name);
    if (BAD[name] === null) expect(create({ [name]: "x" })).toThrow(TypeError);
    else expect(create({ [name]: BAD[name] })).toThrow(new RegExp(name));
    const misspelt = `${name}s`;
    expect(create({ [misspelt]: 1 })).toThrow(`${misspelt} is not an option of the local engine`);
  });

  it.each(OPTION_NAMES.auth)("auth.%s is checked, and known by this name only", (name) => {
    for (const value of ["", " ", "a b", "line\n", 5, null]) {
      expect(create({ auth: { [name]: value } })).toThrow(`auth.${name} must be text without spaces`);
    }
    expect(create({ auth: { [name.toUpperCase()]: "x" } })).toThrow(TypeError);
    expect(create({ auth: { [`${name}s`]: "x", [name]: "y" } })).toThrow(`auth.${name}s is not an option`);
    expect(create({ auth: { [name]: undefined } })).toThrow("auth has no token");
  });

  it.each([{}, { token: undefined, workerToken: undefined }, null, [], "secret", () => "x"])(
    "auth %j opens no door",
    (auth) => {
      expect(create({ auth })).toThrow(TypeError);
    },
  );

  it.each(OPTION_NAMES.externalExecutorConfig)("externalExecutorConfig.%s is checked", (name) => {
    expect(create({ externalExecutorConfig: { path: "x", [name]: 5 } })).toThrow(`externalExecutorConfig.${name}`);
    expect(create({ externalExecutorConfig: { path: "x", [`${name}s`]: "x" } })).toThrow(`${name}s is not an option`);
  });

  it.each(OPTION_NAMES.payloads)("payloads.%s is checked", (name) => {
    for (const value of [-1, 1.5, "x", null]) {
      expect(create({ payloads: { [name]: value } })).toThrow(`payloads.${name}`);
    }
    expect(create({ payloads: { [`${name}s`]: 1 } })).toThrow(`payloads.${name}s is not an option`);
  });

  it("payloads between the two limits could not be sent", () => {
    expect(create({ payloads: { thresholdBytes: 11, maxPayloadBytes: 10 } })).toThrow("payloads.thresholdBytes");
    expect(create({ payloads: { storage: { scheme: "S3", put() {}, get() {}, delete() {} } } })).toThrow(
      "storage.scheme",
    );
  });

  it("those of listen are checked too", async () => {
    const { engine } = await openEngine();
    for (const bad of [{ host: "" }, { port: "7070" }, { port: 70_000 }, { prot: 1 }, { site: "page" }, "7070", null]) {
      await expect(engine.listen(bad as never)).rejects.toThrow(TypeError);
    }
  });

  it.each([undefined, null, 5, "engine.db", []])("that are %j are refused", (options) => {
    expect(() => createLocalEngine(options as never)).toThrow(TypeError);
  });
});

describe("names that no URL could hold", () => {
  it.each([".", ".."])("%s is refused for what stands in a path, and the field named", async (name) => {
    const { client } = await openEngine();
    const activity = await client.start("t", "q", { activity_id: name });
    expect([activity.status, Object.keys(activity.body.errors)]).toEqual([422, ["activity_id"]]);
    const queue = await client.start("t", name);
    expect([queue.status, Object.keys(queue.body.errors)]).toEqual([422, ["task_queue"]]);
    const worker = { worker_id: name, task_queue: "q", runtime: "typescript" };
    const registered = await client.call("POST", "/api/worker/register", worker);
    expect([registered.status, Object.keys(registered.body.errors)]).toEqual([422, ["worker_id"]]);
    expect(create({ namespaces: [name] })).toThrow(TypeError);
    for (const escaped of ["%2e", "%2E%2e", "a/b", "a?b"]) {
      expect((await client.start("t", "q", { activity_id: escaped })).status).toBe(422);
    }
    for (const fine of ["...", "a.", "..a"]) {
      await client.started("t", "q", { activity_id: fine });
      expect(await client.describe(fine)).toMatchObject({ status: "running" });
    }
  });
});

describe("a header that decides who may enter", () => {
  it.each([
    ["the right one twice", ["Bearer secret", "Bearer secret"]],
    ["the right one first", ["Bearer secret", "Bearer wrong"]],
    ["the right one last", ["Bearer wrong", "Bearer secret"]],
  ])("is refused when it comes more than once: %s", async (_, authorization) => {
    const { url } = await openEngine({ auth: { token: "secret" } });
    const headers = {
      Authorization: authorization as unknown as string,
      "X-Durable-Workflow-Control-Plane-Version": "2",
    };
    const { status, text } = await send(url, { method: "GET", path: "/api/activities", headers });
    expect([status, JSON.parse(text).reason]).toEqual([401, "unauthorized"]);
  });

  it.each(["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1:80"])(
    "Host %j is not this machine's own",
    async (host) => {
      const { url } = await openEngine();
      for (const path of ["/api/activities", "/api/ready", "/api/events", "/api/worker/register"]) {
        const { status } = await send(url, { method: "GET", path, headers: { Host: host } });
        expect(status).toBe(403);
      }
    },
  );
});
