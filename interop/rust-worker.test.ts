import { afterAll, beforeAll, it } from "vitest";
import { RUST_WORKERS, whyNotServed } from "./expectations.js";
import { startEngine } from "./support/engine.js";
import { describeUnless, rustPeer, whyNoPython, whyNoRust } from "./support/peers.js";
import { WorkerUnderTest } from "./support/worker-cases.js";

const RUN = Date.now().toString(36);
const engine = await startEngine();
afterAll(() => engine.close());
const advertised = String((await engine.clusterInfo())["worker_protocol"].version);

for (const [index, peer] of RUST_WORKERS.entries()) {
  // The Rust crate has no standalone activities: Python's client starts them.
  const leftOut = whyNoRust ?? whyNoPython("2.12.0") ?? whyNotServed(peer, advertised);
  describeUnless(leftOut, `the worker of ${peer.name}`, () => {
    const queue = `rust-worker-${index}-${RUN}`;
    let under: WorkerUnderTest;
    beforeAll(() => {
      const command = rustPeer("worker", engine.url, queue);
      under = new WorkerUnderTest(engine, queue, { ...command, env: peer.env ?? {} });
    });
    afterAll(() => under.close());

    it("hands values on as they are", () => under.handsValuesOn());
    it("has what fails retried, as the policy says", () => under.retriesWhatFails());
    it("has what is final not retried", () => under.doesNotRetryWhatIsFinal());
    it("stops cleanly", () => under.stopsCleanly(engine));
  });
}
