import { InvocableActivityHandler } from "@durable-workflow/carrier";
import { buildTaskInput } from "@durable-workflow/carrier/testing";
import { heldByRuns } from "@durable-workflow/test-support/young";
import { expect, it } from "vitest";
import { RunGuard } from "./run-guard.js";

it("what a guarded run was given is let go with it", async () => {
  const guard = new RunGuard(() => undefined);
  const handler = guard.guard(new InvocableActivityHandler({ greet: () => "hello" }));
  const held = await heldByRuns(24, async (bytes) => {
    const envelope = buildTaskInput({ activityType: "greet", args: [] });
    const payloads = { arguments: { ...envelope.payloads.arguments, bytes } };
    const result = await handler.handle({ ...envelope, payloads }, { signal: new AbortController().signal });
    expect(result.outcome.status).toBe("succeeded");
  });
  expect(held).toBeLessThan(6);
  expect(guard.runs).toEqual([]);
});
