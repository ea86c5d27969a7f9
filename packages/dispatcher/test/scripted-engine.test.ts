import { PROTOCOL_VERSION } from "@durable-workflow/engine-protocol";
import { describe, expect, it } from "vitest";
import type { DispatcherOptions } from "../src/dispatch/options.js";
import { completes } from "./support/engine-under-test.js";
import { type ForeignCarrier, type ForeignHandler, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { endAfterEach } from "./support/scene.js";
import { ScriptedEngine, type ScriptedEngineOptions } from "./support/scripted-engine.js";

// What no real engine of this repository does; support/engines.ts has the list.

let engine: ScriptedEngine;
let carrier: ForeignCarrier;
let running: Running;

async function begin(
  engineOptions: ScriptedEngineOptions = {},
  handle?: ForeignHandler,
  options: DispatcherOptions = {},
): Promise<void> {
  engine = new ScriptedEngine(engineOptions);
  await engine.start();
  carrier = await startForeignCarrier(handle);
  running = await startDispatcher(engine, { config: oneCarrier(carrier.url, ["t"]), ...options });
}

endAfterEach(() => ({ engine, carrier, running }));

describe("an engine", () => {
  it.each(["1.0", "1.7", "1.99"])(
    "of version %s is spoken to in the lower of its version and ours",
    async (version) => {
      await begin({ version });
      await completes(engine, { type: "t" });
      const sent = engine.callsOf("poll").map(({ headers }) => headers["x-durable-workflow-protocol-version"]);
      expect(new Set(sent)).toEqual(new Set([version === "1.99" ? PROTOCOL_VERSION : version]));
    },
  );

  it("whose protocol has another major version is not spoken to", async () => {
    await begin({ version: "2.0" });
    await running.until(() => running.eventsOf("engine_refused").length > 0);
    expect(running.eventsOf("engine_refused")[0]).toMatchObject({ reason: "unsupported_protocol_version" });
    expect(engine.callsOf("register")).toEqual([]);
  });

  it("that is older and holds its polls is not waited for at a drain, past its limit", async () => {
    await begin({ version: "1.0", longPollMs: 60_000 }, undefined, { drainMs: 200 });
    await engine.until(() => engine.heldPolls === 1);
    expect(await running.dispatcher.drain()).toEqual({ abandoned: 0 });
  });
});

describe("a task", () => {
  it("passes the engine's trace context on", async () => {
    await begin();
    const traceparent = "00-11112222333344445555666677778888-9999aaaabbbbcccc-01";
    await engine.untilStatus(engine.schedule({ type: "t", traceparent }), "completed");
    expect(carrier.received[0]?.envelope["headers"].traceparent).toBe(traceparent);
  });

  it("that gets no answer before its deadline fails as a timeout, and the carrier sees its client go", async () => {
    let gone = 0;
    await begin({}, (_, answer) => {
      answer.once("close", () => gone++);
      return undefined;
    });
    const execution = engine.schedule({ type: "t", startToCloseMs: 1_500 });
    await engine.untilStatus(execution, "failed");
    expect(execution.outcomes[0]?.body["failure"]).toMatchObject({
      kind: "timeout",
      timeout_type: "deadline_exceeded",
      retryable: true,
    });
    await running.until(() => gone === 1);
  });
});
