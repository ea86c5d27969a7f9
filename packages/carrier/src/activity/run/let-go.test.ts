import { heldByRuns } from "@durable-workflow/test-support/young";
import { expect, it } from "vitest";
import { buildTaskInput } from "../../testing/build-task-input.js";
import { defineActivity } from "../definition/define-activity.js";
import { InvocableActivityHandler } from "../handler.js";

it("what an activity with a context was given is let go with its run", async () => {
  let remaining = 0;
  const handler = new InvocableActivityHandler({
    greet: defineActivity({
      run({ remainingMs, heartbeat }) {
        heartbeat();
        remaining = remainingMs();
        return "hello";
      },
    }),
  });
  const held = await heldByRuns(24, async (bytes) => {
    const envelope = buildTaskInput({ activityType: "greet", args: [] });
    const result = await handler.handle({
      ...envelope,
      payloads: { arguments: { ...envelope.payloads.arguments, bytes } },
    });
    expect(result.outcome.status).toBe("succeeded");
  });
  expect(remaining).toBeGreaterThan(0);
  expect(held).toBeLessThan(6);
});
