import { afterAll, beforeAll, expect, it } from "vitest";
import { PYTHON_WORKERS, whyNotServed } from "./expectations.js";
import { startEngine } from "./support/engine.js";
import { describeUnless, pythonPeer, whyNoPython } from "./support/peers.js";
import { until } from "./support/until.js";
import { WorkerUnderTest } from "./support/worker-cases.js";

const RUN = Date.now().toString(36);
const engine = await startEngine();
afterAll(() => engine.close());
const advertised = String((await engine.clusterInfo())["worker_protocol"].version);

for (const [index, peer] of PYTHON_WORKERS.entries()) {
  const leftOut = whyNoPython(peer.version) ?? whyNoPython("2.12.0") ?? whyNotServed(peer, advertised);
  describeUnless(leftOut, `the worker of ${peer.name}`, () => {
    const queue = `python-worker-${index}-${RUN}`;
    let under: WorkerUnderTest;
    beforeAll(() => {
      const command = pythonPeer(peer.version, "worker", engine.url, queue);
      under = new WorkerUnderTest(engine, queue, { ...command, env: peer.env ?? {} });
    });
    afterAll(() => under.close());

    it("hands values on as they are", () => under.handsValuesOn());
    it("has what fails retried, as the policy says", () => under.retriesWhatFails());
    it("has what is final not retried", () => under.doesNotRetryWhatIsFinal());

    it("lives past the heartbeat timeout with heartbeats", async () => {
      // A busy machine may keep its process from running for a while.
      const id = await under.start("interop.beat", [{ l: "8600" }], { heartbeat_timeout_seconds: 7 });
      expect(await under.client.result(id)).toEqual({ s: "alive" });
      expect(await under.client.describe(id)).toMatchObject({ attempt_count: 1 });
    });

    it.each([
      ["heartbeat", { heartbeat_timeout_seconds: 1 }],
      ["start_to_close", { start_to_close_timeout_seconds: 1 }],
      ["schedule_to_close", { schedule_to_close_timeout_seconds: 1 }],
    ])("is ended by a timeout, and goes on: %s", async (_, timeout) => {
      // So long that it is not done even where the engine's process stands still for a while.
      const id = await under.start("interop.sleep", [{ l: "8000" }], timeout);
      expect((await under.client.failure(id)).type).toBe("WorkflowFailed");
      expect(await under.client.describe(id)).toMatchObject({ status: "failed", closed_reason: "timed_out" });
      const next = await under.start("interop.echo", [true]);
      expect(await under.client.result(next)).toBe(true);
    });

    it.each([
      ["cancel", "WorkflowCancelled", "cancelled"],
      ["terminate", "WorkflowTerminated", "terminated"],
    ])("is told with a heartbeat to stop: %s", async (how, error, status) => {
      const said = under.worker.lines.length;
      const id = await under.start("interop.beat-until-stopped");
      const saysSince = async (...events: readonly string[]) =>
        until(async () => {
          return under.worker.lines.slice(said).find((line) => events.includes(String(line["event"])));
        }, events.join(" or "));
      await saysSince("beating");
      await under.client.call(how, { activity_id: id, reason: "enough" });
      await saysSince("cancelled", "stopped-activity");
      expect((await under.client.failure(id)).type).toBe(error);
      expect(await under.client.describe(id)).toMatchObject({ status });
    });

    it("brings a hundred at once to their own end", async () => {
      const numbers = Array.from({ length: 100 }, (_, number) => ({ l: String(number) }));
      const started = await Promise.all(numbers.map(async (number) => under.start("interop.echo", [number])));
      expect(await Promise.all(started.map(async (id) => under.client.result(id)))).toEqual(numbers);
    });

    it("stops cleanly", () => under.stopsCleanly(engine));
  });
}
