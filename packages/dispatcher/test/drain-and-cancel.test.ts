import { awakeClock } from "@durable-workflow/test-support/clock";
import { describe, expect, it } from "vitest";
import type { EngineOptions, EngineUnderTest } from "./support/engine-under-test.js";
import { ENGINES } from "./support/engines.js";
import { type ForeignCarrier, type ForeignHandler, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { endAfterEach } from "./support/scene.js";

let engine: EngineUnderTest;
let carrier: ForeignCarrier;
let running: Running;

endAfterEach(() => ({ engine, carrier, running }));

async function begin(make: (typeof ENGINES)[number]["make"], options: EngineOptions, handle?: ForeignHandler) {
  engine = make(options);
  await engine.start();
  carrier = await startForeignCarrier(handle);
  running = await startDispatcher(engine, { config: oneCarrier(carrier.url, ["t"]) });
}

describe.each(ENGINES)("with $name", ({ make }) => {
  it("an idle dispatcher is drained at once, and a task that comes then is left for others", async () => {
    await begin(make, { longPollMs: 30_000 });
    await engine.until(() => engine.heldPolls > 0);
    const startedAt = awakeClock.monotonic();
    const drained = running.dispatcher.drain();
    const activity = await engine.schedule({ type: "t" });
    expect(await drained).toEqual({ abandoned: 0 });
    // Far below how long the engine would hold the poll; a second on a machine that does nothing else.
    expect(awakeClock.monotonic() - startedAt).toBeLessThan(5_000);
    await engine.refresh();
    // Either it was leased before the poll was recalled, and ran to its end, or nobody has it.
    expect(["pending", "completed"]).toContain(activity.status);
    expect(await engine.workerIds()).toEqual([]);
  });

  it("a cancellation is heard of within ten seconds, though the lease lasts minutes", async () => {
    let begun = false;
    let goneAt = 0;
    await begin(make, { leaseMs: 300_000 }, (_, response) => {
      begun = true;
      response.on("close", () => {
        goneAt = awakeClock.monotonic();
      });
      return new Promise(() => undefined);
    });
    const activity = await engine.schedule({ type: "t" });
    await running.until(() => begun);
    const cancelledAt = awakeClock.monotonic();
    await engine.cancel(activity);
    await running.until(() => goneAt > 0);
    expect(goneAt - cancelledAt).toBeLessThan(10_500);
  });
});
