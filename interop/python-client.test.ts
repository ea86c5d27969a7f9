import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { createDispatcher, type Dispatcher } from "@durable-workflow/dispatcher";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PYTHON_CLIENTS } from "./expectations.js";
import { type EngineUnderTest, engineToken, startEngine } from "./support/engine.js";
import type { Json } from "./support/line-peer.js";
import { describeUnless, whyNoPython } from "./support/peers.js";
import { PythonClient, raised } from "./support/python-client.js";
import { until } from "./support/until.js";

const RUN = Date.now().toString(36);

const handler = nodeInvocableActivityHandler({
  "interop.echo": (value: unknown) => value,
  "interop.fail": () => {
    throw new Error("it failed");
  },
});

for (const [index, { name, version, env = {} }] of PYTHON_CLIENTS.entries()) {
  describeUnless(whyNoPython(version), `the client of ${name}`, () => {
    const queue = `client-${index}-${RUN}`;
    /** Nobody leases from it. */
    const silent = `${queue}-silent`;
    const id = (activity: string): string => `${queue}-${activity}`;
    let engine: EngineUnderTest;
    let carrier: Server;
    let dispatcher: Dispatcher;
    let client: PythonClient;

    beforeAll(async () => {
      engine = await startEngine();
      carrier = createServer(handler);
      await new Promise<void>((resolve) => {
        carrier.listen(0, "127.0.0.1", resolve);
      });
      const { port } = carrier.address() as AddressInfo;
      dispatcher = createDispatcher({
        environment: {},
        profilesPath: "does-not-exist.json",
        connection: { serverUrl: engine.url, ...engineToken() },
        config: {
          schema: "durable-workflow.external-executor.config",
          version: 1,
          carriers: { ours: { type: "invocable_http", url: `http://127.0.0.1:${port}/` } },
          mappings: ["interop.echo", "interop.fail"].map((type) => ({
            name: type,
            kind: "activity",
            activity_type: type,
            task_queue: queue,
            carrier: "ours",
            handler: type,
          })),
        },
      });
      await dispatcher.start();
      client = new PythonClient(version, engine.url, env);
    });

    afterAll(async () => {
      await client?.stop();
      await dispatcher?.drain();
      carrier?.close();
      await engine?.close();
    });

    const start = async (activity: string, more: object = {}) =>
      client.start({ activity_id: id(activity), activity_type: "interop.echo", task_queue: queue, ...more });

    it("starts an activity, describes it, and has its result", async () => {
      const started = await start("echo", { input: [{ s: "hello" }], business_key: "order-7" });
      expect(started).toEqual({ activity_id: id("echo"), run_id: expect.stringMatching(/.+/) });
      expect(await client.result(id("echo"))).toEqual({ s: "hello" });
      expect(await client.describe(id("echo"))).toMatchObject({
        activity_id: id("echo"),
        workflow_run_id: started.run_id,
        workflow_type: "dw.standalone_activity",
        activity_type: "interop.echo",
        task_queue: queue,
        namespace: "default",
        status: "completed",
        activity_status: "completed",
        closed_reason: "completed",
        business_key: "order-7",
        payload_codec: "avro",
        attempt_count: 1,
        result: { s: "hello" },
      });
    });

    it("is given an id where it has none", async () => {
      const started = await client.start({ activity_type: "interop.echo", task_queue: queue, input: [{ l: "7" }] });
      expect(started.activity_id).toMatch(/.+/);
      expect(await client.result(started.activity_id)).toEqual({ l: "7" });
    });

    it("has no result of an activity that failed, and its history tells why", async () => {
      const { run_id } = await start("fail", { activity_type: "interop.fail" });
      expect((await client.failure(id("fail"))).type).toBe("WorkflowFailed");
      expect(await client.describe(id("fail"))).toMatchObject({ status: "failed", closed_reason: "failed" });
      const history = JSON.stringify(await client.call("history", { activity_id: id("fail"), run_id }));
      expect(history).toContain("ActivityFailed");
      expect(history).toContain("it failed");
    });

    it("lists activities by status, page by page", async () => {
      const started = ["listed-one", "listed-two", "listed-three"];
      for (const activity of started) await start(activity, { task_queue: silent });
      const pages: Json[] = [];
      let token: unknown;
      do {
        const page = { status: "running", page_size: 1, ...(token === undefined ? {} : { next_page_token: token }) };
        pages.push((await client.call("list", page)) as Json);
        token = pages.at(-1)?.["next"] ?? undefined;
      } while (token !== undefined);
      for (const { ids, count } of pages) expect(count).toBe(ids.length);
      const listed = pages.flatMap(({ ids }) => ids as string[]);
      for (const activity of started) expect(listed.filter((one) => one === id(activity))).toHaveLength(1);
      expect(listed).not.toContain(id("echo"));
    });

    it("cancels an activity that waits", async () => {
      await start("cancelled", { task_queue: silent });
      await client.call("cancel", { activity_id: id("cancelled"), reason: "not needed" });
      expect((await client.failure(id("cancelled"))).type).toBe("WorkflowCancelled");
      expect(await client.describe(id("cancelled"))).toMatchObject({ status: "cancelled", closed_reason: "cancelled" });
    });

    it("terminates an activity that waits", async () => {
      await start("terminated", { task_queue: silent });
      await client.call("terminate", { activity_id: id("terminated"), reason: "enough" });
      expect((await client.failure(id("terminated"))).type).toBe("WorkflowTerminated");
      expect(await client.describe(id("terminated"))).toMatchObject({ status: "terminated" });
    });

    it("is told of an activity that nobody started in time", async () => {
      await start("late", { task_queue: silent, schedule_to_start_timeout_seconds: 1 });
      expect((await client.failure(id("late"))).type).toBe("WorkflowFailed");
      expect(await client.describe(id("late"))).toMatchObject({ status: "failed", closed_reason: "timed_out" });
    });

    it("waits for a result no longer than it says", async () => {
      await start("waiting", { task_queue: silent });
      const waited = await raised(client.call("result", { activity_id: id("waiting"), timeout: 0.3 }));
      expect(waited.type).toBe("TimeoutError");
    });

    it("starts anew under the id of one that is done, and not of one that runs", async () => {
      await start("twice", { input: [{ l: "1" }] });
      await client.result(id("twice"));
      await start("twice", { input: [{ l: "2" }] });
      await until(async () => {
        const { status } = await client.describe(id("twice"));
        return status === "completed" ? status : undefined;
      }, "the second run's end");
      expect(await client.result(id("twice"))).toEqual({ l: "2" });
      await start("running", { task_queue: silent });
      expect((await raised(start("running", { task_queue: silent }))).type).toBe("InvalidArgument");
    });

    it("is told of an id that there is not, and of an option that cannot be", async () => {
      const unknown = await raised(client.describe("no-such-activity"));
      expect([unknown.type, unknown.status]).toEqual(["ServerError", 404]);
      const policy = { retry_policy: { max_attempts: 0 } };
      expect((await raised(start("policy", policy))).type).toBe("InvalidArgument");
    });

    it("is told that its token is not known", async () => {
      const guarded = createLocalEngine({ file: ":memory:", auth: { token: "interop-secret" } });
      const { url } = await guarded.listen();
      const stranger = new PythonClient(version, url, { ...env, INTEROP_TOKEN: "another-secret" });
      const guest = new PythonClient(version, url, { ...env, INTEROP_TOKEN: "interop-secret" });
      try {
        expect((await raised(stranger.describe("anything"))).type).toBe("Unauthorized");
        expect((await raised(guest.describe("anything"))).status).toBe(404);
      } finally {
        await Promise.all([stranger.stop(), guest.stop()]);
        await guarded.close();
      }
    });
  });
}
