import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { NonRetryableError } from "@durable-workflow/carrier";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { createDispatcher, type Dispatcher } from "@durable-workflow/dispatcher";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineUnderTest, engineToken, startEngine } from "./support/engine.js";
import { describeUnless, whyNoPython } from "./support/peers.js";
import { type PythonCarrier, startPythonCarrier } from "./support/python-carrier.js";
import { PythonClient } from "./support/python-client.js";
import { ONE_KIND_IN_JAVASCRIPT, VALUES } from "./support/values.js";

// The whole chain: Python's client starts activities, our dispatcher leases them, a carrier of either language runs them.

/** Of one request, and of all at once: what a carrier has to allow that is sent 20 MB. */
const LARGE = { bodyLimitBytes: 64 * 2 ** 20, maxConcurrentBodyBytes: 128 * 2 ** 20 };

const ACTIVITIES = {
  "interop.echo": (value: unknown) => value,
  "interop.arguments": (...args: unknown[]) => args,
  "interop.length": (text: string) => text.length,
  "interop.repeat": (text: string, times: number) => text.repeat(times),
  "interop.sleep": (milliseconds: number) =>
    new Promise((resolve) => {
      setTimeout(resolve, milliseconds, milliseconds);
    }),
  "interop.fail-for-good": () => {
    throw new NonRetryableError("the card was declined", { type: "CardDeclined" });
  },
};

const TYPES = [
  "interop.echo",
  "interop.arguments",
  "interop.length",
  "interop.repeat",
  "interop.sleep",
  "interop.fail-for-good",
  "interop.unknown",
];
const RUN = Date.now().toString(36);
const CARRIERS = ["typescript", "python"] as const;
const queueOf = (carrier: string): string => `chain-${carrier}-${RUN}`;

describeUnless(whyNoPython("2.12.0"), "Python's client, our dispatcher, and a carrier", () => {
  let engine: EngineUnderTest;
  let python: PythonCarrier;
  let ours: Server;
  let dispatcher: Dispatcher;
  let client: PythonClient;

  beforeAll(async () => {
    engine = await startEngine();
    python = await startPythonCarrier("2.12.0");
    ours = createServer(nodeInvocableActivityHandler(ACTIVITIES, LARGE));
    await new Promise<void>((resolve) => {
      ours.listen(0, "127.0.0.1", resolve);
    });
    const { port } = ours.address() as AddressInfo;
    dispatcher = createDispatcher({
      environment: {},
      profilesPath: "does-not-exist.json",
      connection: { serverUrl: engine.url, ...engineToken() },
      config: config({ typescript: `http://127.0.0.1:${port}/`, python: python.url }),
    });
    await dispatcher.start();
    client = new PythonClient("2.12.0", engine.url);
  });

  afterAll(async () => {
    await client?.stop();
    await dispatcher?.drain();
    ours?.close();
    await python?.peer.stop();
    await engine?.close();
  });

  describe.each(CARRIERS)("of %s", (carrier) => {
    let count = 0;
    const start = async (activity_type: string, input: readonly unknown[], more: object = {}): Promise<string> => {
      const activity_id = `${queueOf(carrier)}-${count++}`;
      await client.start({ activity_id, activity_type, task_queue: queueOf(carrier), input: input as never, ...more });
      return activity_id;
    };

    it("hands values on as they are", async () => {
      const started = await Promise.all(VALUES.map(async ([, notation]) => start("interop.echo", [notation])));
      const results = await Promise.all(started.map(async (id) => client.result(id)));
      for (const [index, [name, notation]] of VALUES.entries()) {
        // A handler in JavaScript is given a number, and hands on a number.
        if (carrier === "typescript" && ONE_KIND_IN_JAVASCRIPT.has(name)) continue;
        expect(results[index], name).toEqual(notation);
      }
    });

    it("hands on all arguments, and none", async () => {
      const all = VALUES.map(([, notation]) => notation).filter((_, index) => ![3, 8].includes(index));
      expect(await client.result(await start("interop.arguments", all))).toEqual({ a: all });
      expect(await client.result(await start("interop.arguments", []))).toEqual({ a: [] });
    });

    it("a failure that is not to be retried is not, whatever the policy", async () => {
      const id = await start("interop.fail-for-good", [], { retry_policy: { max_attempts: 3, backoff_seconds: [0] } });
      expect((await client.failure(id)).type).toBe("WorkflowFailed");
      expect(await client.describe(id)).toMatchObject({ status: "failed", attempt_count: 1, closed_reason: "failed" });
    });

    it("an activity that the carrier does not know fails for good", async () => {
      const id = await start("interop.unknown", []);
      expect((await client.failure(id)).type).toBe("WorkflowFailed");
      expect(await client.describe(id)).toMatchObject({ activity_status: "failed", attempt_count: 1 });
    });

    it("start_to_close ends an activity", async () => {
      const id = await start("interop.sleep", [{ l: "8000" }], { start_to_close_timeout_seconds: 1 });
      expect((await client.failure(id)).type).toBe("WorkflowFailed");
    });

    // By reference between client, engine and dispatcher; the carriers know nothing of it, and nobody has set anything.
    it.each([
      [3, "interop.echo"],
      [20, "interop.echo"],
      [3, "interop.length"],
    ])("a text of %i MB goes there and comes back (%s)", async (megabytes, type) => {
      const text = "lamp-".repeat(megabytes * 200_000);
      const id = await start(type, [{ s: text }]);
      const result = await client.result(id);
      // Not by toEqual, which would print all of it.
      if (type === "interop.length") expect(result).toEqual({ l: String(text.length) });
      else expect((result as { s: string }).s === text).toBe(true);
    });

    it("a large text is made of a small one", async () => {
      const id = await start("interop.repeat", [{ s: "lamp-" }, { l: "1200000" }]);
      expect(((await client.result(id)) as { s: string }).s === "lamp-".repeat(1_200_000)).toBe(true);
    });

    it("a hundred at once all come to their own end", async () => {
      const numbers = Array.from({ length: 100 }, (_, index) => ({ l: String(index) }));
      const started = await Promise.all(numbers.map(async (number) => start("interop.echo", [number])));
      expect(await Promise.all(started.map(async (id) => client.result(id)))).toEqual(numbers);
    });
  });
});

function config(urls: Readonly<Record<(typeof CARRIERS)[number], string>>): object {
  return {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    carriers: Object.fromEntries(CARRIERS.map((name) => [name, { type: "invocable_http", url: urls[name] }])),
    mappings: CARRIERS.flatMap((carrier) =>
      TYPES.map((type) => ({
        name: `${carrier}:${type}`,
        kind: "activity",
        activity_type: type,
        task_queue: queueOf(carrier),
        carrier,
        handler: type,
      })),
    ),
  };
}
