import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ERAS, PROTOCOL_VERSION, SINCE } from "@durable-workflow/engine-protocol";
import { markdownTable } from "@durable-workflow/test-support/markdown";
import { describe, expect, it } from "vitest";
import { DONE, failureFor, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, startDispatcher } from "./support/running.js";
import { ScriptedEngine } from "./support/scripted-engine.js";

/** The table of engines in VERSIONING.md: each row is run here, and there is no other. */
const page = readFileSync(fileURLToPath(new URL("../../../VERSIONING.md", import.meta.url)), "utf8");
const rows = markdownTable(page, "worker protocol of the engine").map(([version = "", , by = ""]) => ({ version, by }));

/** The oldest, each that brought something that the code asks for, those that are known of servers and SDKs, and our own. */
const VERSIONS = [...new Set([ERAS.april, ...Object.values(SINCE), "1.15", "1.19", PROTOCOL_VERSION])];

it("has a row for each version that matters, from the oldest on", () => {
  const numeric = (version: string): number => Number(version.split(".")[1]);
  expect(rows.map(({ version }) => version)).toEqual(VERSIONS.toSorted((one, other) => numeric(one) - numeric(other)));
});

it("names this test in each row", () => {
  for (const { by } of rows) expect(by).toContain("`packages/dispatcher/test/engine-versions.test.ts`");
});

describe.each(rows)("an engine of $version", ({ version }) => {
  it("has its activities run, retried, failed for good and cancelled, and its dispatcher drained", async () => {
    const engine = new ScriptedEngine({ version, longPollMs: 500, leaseMs: 2_000, heartbeatSeconds: 1 });
    await engine.start();
    const gone: string[] = [];
    const carrier = await startForeignCarrier((envelope, answer) => {
      const { handler, attempt } = envelope["task"];
      if (handler === "hang") answer.once("close", () => gone.push(handler));
      if (handler === "hang") return undefined;
      if (handler === "done" || (handler === "flaky" && attempt > 1)) return DONE;
      answer.end(JSON.stringify(failureFor(envelope, { type: "LampBroken" }, handler === "flaky")));
      return undefined;
    });
    const config = oneCarrier(carrier.url, ["done", "flaky", "broken", "hang"]);
    const running = await startDispatcher(engine, { config });
    try {
      const retry = { maxAttempts: 3, backoffMs: 0 };
      const [done, flaky, broken] = ["done", "flaky", "broken"].map((type) => engine.schedule({ type, ...retry }));
      const hang = engine.schedule({ type: "hang" });
      for (const one of [done, flaky]) await engine.untilStatus(one as NonNullable<typeof one>, "completed");
      await engine.untilStatus(broken as NonNullable<typeof broken>, "failed");
      expect([done, flaky, broken].map((one) => one?.attempts.length)).toEqual([1, 2, 1]);
      expect(broken?.outcomes.at(-1)?.body["failure"]).toMatchObject({ type: "LampBroken", non_retryable: true });
      await running.until(() => carrier.received.some(({ envelope }) => envelope["task"].handler === "hang"));
      engine.cancel(hang);
      await running.until(() => gone.length > 0);
      const spoken = ["register", "poll", "complete", "fail"].flatMap((verb) =>
        engine.callsOf(verb).map(({ headers }) => headers["x-durable-workflow-protocol-version"]),
      );
      expect(new Set(spoken)).toEqual(new Set([version]));
      expect(await running.dispatcher.drain()).toEqual({ abandoned: 0 });
    } finally {
      await running.dispatcher.drain();
      await carrier.close();
      await engine.stop();
    }
  });
});
