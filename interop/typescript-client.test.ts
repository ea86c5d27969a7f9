import { type Client, createClient, isActivityOutcomeError, isClientError } from "@durable-workflow/client";
import { Client as Worker } from "@durable-workflow/test-support/engine-client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PYTHON_CLIENTS } from "./expectations.js";
import { type EngineUnderTest, engineToken, startEngine } from "./support/engine.js";
import { describeUnless, whyNoPython } from "./support/peers.js";
import { PythonClient, raised } from "./support/python-client.js";

const RUN = Date.now().toString(36);

/** The same cases through our client and the released Python client, on the same activities: what each of them is told. */
for (const [index, { name, version, env = {} }] of PYTHON_CLIENTS.entries()) {
  describeUnless(whyNoPython(version), `our client beside the client of ${name}`, () => {
    const queue = `beside-${index}-${RUN}`;
    const id = (activity: string): string => `${queue}-${activity}`;
    let engine: EngineUnderTest;
    let python: PythonClient;
    let ours: Client;
    const over = new AbortController();
    let working: Promise<void>;

    beforeAll(async () => {
      engine = await startEngine();
      const { token } = engineToken();
      ours = createClient({ serverUrl: engine.url, token, defaults: { taskQueue: queue } });
      python = new PythonClient(version, engine.url, env);
      working = work(new Worker(engine.url, token === undefined ? {} : { workerToken: token, operatorToken: token }));
    });

    afterAll(async () => {
      over.abort();
      await working;
      await python?.stop();
      await ours?.close();
      await engine?.close();
    });

    /** Gives the arguments back, and fails what is to fail. */
    async function work(worker: Worker): Promise<void> {
      await worker.register(`${queue}-worker`, queue, ["echo", "fail"]);
      while (!over.signal.aborted) {
        const held = await worker.take(`${queue}-worker`, queue, { timeout_seconds: 1 });
        if (held === undefined) continue;
        if (held.task.activity_type === "echo") await worker.report("complete", held, { result: held.task.arguments });
        else await worker.report("fail", held, { failure: { message: "it failed", type: "LampBroken" } });
      }
    }

    it("what one starts, the other has the result of", async () => {
      await python.start({
        activity_id: id("theirs"),
        activity_type: "echo",
        task_queue: queue,
        input: [{ s: "Ada" }],
      });
      expect(await ours.handle(id("theirs")).result()).toEqual(["Ada"]);
      const handle = await ours.start("echo", ["Ada"], { id: id("ours"), businessKey: "order-7" });
      expect(await python.result(id("ours"))).toEqual(await python.result(id("theirs")));
      expect(await python.describe(id("ours"))).toMatchObject({
        workflow_run_id: handle.runId,
        business_key: "order-7",
        status: "completed",
      });
      expect(await handle.describe()).toMatchObject({ status: "completed", businessKey: "order-7", attempts: 1 });
    });

    it("both are told of a failure, and ours why", async () => {
      const handle = await ours.start("fail", [], { id: id("failed") });
      expect((await python.failure(id("failed"))).type).toBe("WorkflowFailed");
      const error: unknown = await handle.result().catch((reason: unknown) => reason);
      expect(isActivityOutcomeError(error) && error).toMatchObject({
        kind: "failed",
        failure: { type: "LampBroken", message: "it failed" },
      });
    });

    it("both are refused an id that runs, and an activity that is not there", async () => {
      const silent = `${queue}-silent`;
      await ours.start("echo", [], { id: id("running"), taskQueue: silent });
      const options = { activity_id: id("running"), activity_type: "echo", task_queue: silent };
      expect((await raised(python.start(options))).type).toBe("InvalidArgument");
      const twice: unknown = await ours.start("echo", [], { id: id("running") }).catch((reason: unknown) => reason);
      expect(isClientError(twice) && twice).toMatchObject({ code: "already_running", status: 422 });
      expect((await raised(python.describe(id("nobody")))).status).toBe(404);
      const nobody: unknown = await ours
        .handle(id("nobody"))
        .describe()
        .catch((reason: unknown) => reason);
      expect(isClientError(nobody) && nobody).toMatchObject({ code: "not_found", status: 404 });
    });

    it("what one ends, the other is told of", async () => {
      const silent = `${queue}-silent`;
      const cancelled = await ours.start("echo", [], { id: id("cancelled"), taskQueue: silent });
      expect(await cancelled.cancel("not needed")).toBe(true);
      expect((await python.failure(id("cancelled"))).type).toBe("WorkflowCancelled");
      const terminated = await ours.start("echo", [], { id: id("terminated"), taskQueue: silent });
      await python.call("terminate", { activity_id: id("terminated"), reason: "enough" });
      expect((await terminated.outcome()).kind).toBe("terminated");
      const late = await ours.start("echo", [], { id: id("late"), taskQueue: silent, scheduleToStartSeconds: 1 });
      expect((await late.outcome()).kind).toBe("timed_out");
      expect((await python.failure(id("late"))).type).toBe("WorkflowFailed");
    });

    it("both list the same", async () => {
      const listed: string[] = [];
      for await (const { activityId } of ours.list({ bucket: "failed" })) listed.push(activityId);
      const page = (await python.call("list", { status: "failed", page_size: 200 })) as { ids: string[] };
      expect(listed.filter((one) => one.startsWith(queue))).toEqual(page.ids.filter((one) => one.startsWith(queue)));
      expect(listed).toContain(id("late"));
    });
  });
}
