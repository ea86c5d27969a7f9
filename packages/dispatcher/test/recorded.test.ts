import { describe, expect, it } from "vitest";
import { createMetrics } from "../src/service/metrics.js";
import type { EngineUnderTest } from "./support/engine-under-test.js";
import { ENGINES } from "./support/engines.js";
import {
  DONE,
  type ForeignCarrier,
  type ForeignHandler,
  failureFor,
  type Json,
  startForeignCarrier,
} from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { endAfterEach } from "./support/scene.js";

/** What ends is recorded, whatever it says; and what was recorded is what is told. */

let engine: EngineUnderTest;
let carrier: ForeignCarrier;
let running: Running;

endAfterEach(() => ({ engine, carrier, running }));

const fails =
  (failure: Json): ForeignHandler =>
  (envelope, response) => {
    response.writeHead(200).end(JSON.stringify(failureFor(envelope, failure, true)));
  };

async function begin(make: (typeof ENGINES)[number]["make"], handle: ForeignHandler): Promise<void> {
  engine = make({});
  await engine.start();
  carrier = await startForeignCarrier(handle);
  running = await startDispatcher(engine, { config: oneCarrier(carrier.url, ["t"]) });
}

describe.each(ENGINES)("with $name", ({ make }) => {
  it.each(["\0", "a\0b", "\ud800", "\u200b", "", "x".repeat(200_000)])(
    "a failure that says %j is recorded once",
    async (text) => {
      await begin(make, fails({ message: text, type: `T${text}`, stack_trace: text }));
      engine.interfere = ({ verb, body }) => {
        // As strict as an engine over PostgreSQL, in PHP.
        const failure = JSON.stringify(body["failure"] ?? {});
        return verb === "fail" && (/\\u0000|\\ud[89a-f]/i.test(failure) || failure.length > 1_000_000)
          ? { status: 422, body: JSON.stringify({ reason: "validation_failed", message: text }) }
          : undefined;
      };
      const activity = await engine.schedule({ type: "t", maxAttempts: 1 });
      await engine.untilStatus(activity, "failed");
      expect(engine.callsOf("fail")).toHaveLength(1);
      expect(activity.attempts).toHaveLength(1);
    },
  );

  it("a result whose blob is no payload is recorded once, with U+FFFD for what no engine can store", async () => {
    await begin(make, () => ({ codec: "avro", blob: "a\0b\ud800" }));
    const activity = await engine.schedule({ type: "t", maxAttempts: 1 });
    await engine.untilStatus(activity, "completed");
    const [complete, ...others] = engine.callsOf("complete");
    expect(complete?.body["result"]).toEqual({ codec: "avro", blob: "a\ufffdb\ufffd" });
    expect([others, engine.callsOf("fail")]).toEqual([[], []]);
  });

  it("what no engine takes is recorded under a fixed text, and told as that", async () => {
    await begin(make, fails({ message: "gone" }));
    engine.interfere = ({ verb, body }) => {
      const message = String((body["failure"] as { message?: unknown } | undefined)?.message);
      return verb === "fail" && !message.includes("left out here")
        ? { status: 400, body: JSON.stringify({ reason: "validation_failed", message: "no" }) }
        : undefined;
    };
    const activity = await engine.schedule({ type: "t" });
    await engine.untilStatus(activity, "failed");
    await running.until(() => running.eventsOf("task_ended").length > 0);
    expect(running.eventsOf("task_ended")).toMatchObject([{ end: "failed", detail: "LampOffline" }]);
    expect(running.eventsOf("report_rejected").length).toBeGreaterThan(0);
  });

  it.each([413, 422])("a result that is refused with %i is told as the failure that is recorded", async (status) => {
    await begin(make, () => DONE);
    const metrics = createMetrics(running.dispatcher);
    engine.interfere = ({ verb }) =>
      verb === "complete" ? { status, body: JSON.stringify({ reason: "payload_too_large" }) } : undefined;
    const activity = await engine.schedule({ type: "t" });
    await engine.untilStatus(activity, "failed");
    await running.until(() => running.eventsOf("task_ended").length > 0);
    expect(running.eventsOf("task_ended")).toMatchObject([{ end: "failed", detail: "ReportRejected" }]);
    expect(await metrics.metrics()).toMatch(/dw_dispatcher_tasks_total\{[^}]*end="failed"[^}]*\} 1/);
    expect(await metrics.metrics()).not.toMatch(/end="completed"/);
  });
});
