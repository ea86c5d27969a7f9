import { defineActivity, NonRetryableError } from "@durable-workflow/carrier";
import { describe, expect, it } from "vitest";
import { activityContract, isActivityOutcomeError, isClientError } from "../src/index.js";
import { fakeClient } from "../src/testing/index.js";
import { errorOf } from "./support/scene.js";

const greetContract = activityContract("greet", { taskQueue: "lamps" }).types<[name: string], string>();
const greet = defineActivity(greetContract, (_context, name) => `Hello, ${name}`);
const flaky = defineActivity({
  name: "flaky",
  run: (context) => {
    if (context.info.attempt < 3) throw new Error(`attempt ${context.info.attempt}`);
    return context.info.attempt;
  },
});
const refuse = defineActivity({
  name: "refuse",
  run: () => {
    throw new NonRetryableError("never");
  },
});
const wait = defineActivity({
  name: "wait",
  run: (context) =>
    new Promise((_resolve, reject) => {
      context.signal.addEventListener("abort", () => {
        reject(context.signal.reason as Error);
      });
    }),
});
const plain = (amount: number): number => amount + 1;
const client = fakeClient({ activities: { greet, flaky, refuse, wait, plain } });

describe("a fake client", () => {
  it("runs real definitions through the codec, and records what was started", async () => {
    expect(await client.execute(greetContract, ["Ada"])).toBe("Hello, Ada");
    expect(client.calls.at(-1)).toMatchObject({ activity: "greet", args: ["Ada"], taskQueue: "lamps" });
    expect(await client.execute("plain", [7n])).toBe(8);
    const error = await errorOf(client.execute("plain", [new Date()]), isClientError);
    expect(error.code).toBe("invalid");
  });

  it("retries at once, and ends as an engine does", async () => {
    expect(await client.execute(flaky, [], { retry: { maxAttempts: 3, backoffSeconds: [3600] } })).toBe(3);
    const failed = await errorOf(client.execute(flaky, [], { retry: { maxAttempts: 2 } }), isActivityOutcomeError);
    expect(failed).toMatchObject({ kind: "failed", attempts: 2, failure: { type: "Error", message: "attempt 2" } });
    const refused = await errorOf(client.execute(refuse, [], { retry: { maxAttempts: 5 } }), isActivityOutcomeError);
    expect(refused).toMatchObject({ attempts: 1, failure: { nonRetryable: true } });
  });

  it("cancels, lists, attaches, and keeps older runs", async () => {
    const handle = await client.start(wait, [], { id: "w" });
    expect((await errorOf(client.start(wait, [], { id: "w" }), isClientError)).code).toBe("already_running");
    expect((await client.start(wait, [], { id: "w", onRunning: "attach" })).runId).toBe(handle.runId);
    expect(await handle.cancel()).toBe(true);
    expect(await handle.cancel()).toBe(false);
    expect((await handle.outcome()).kind).toBe("cancelled");
    const first = await client.start(greet, ["one"], { id: "g" });
    await first.result();
    await client.execute(greet, ["two"], { id: "g" });
    expect(await first.result()).toBe("Hello, one");
    const listed: string[] = [];
    for await (const { activityId } of client.list({ bucket: "failed" })) listed.push(activityId);
    expect(listed).toContain("w");
  });

  it("refuses an activity that it does not have, and options that there are not", async () => {
    const error = await errorOf(client.start("gret", []), isClientError);
    expect(error).toMatchObject({ code: "invalid" });
    expect(error.message).toContain("There is no activity gret; there are greet, flaky");
    expect((await errorOf(client.handle("nobody").result(), isClientError)).code).toBe("not_found");
    expect(() => fakeClient({ activities: {}, handlers: {} } as never)).toThrow('there is no option "handlers"');
  });
});
