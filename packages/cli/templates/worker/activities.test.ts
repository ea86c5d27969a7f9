import assert from "node:assert/strict";
import { test } from "node:test";
import { ActivityTestEnvironment } from "@durable-workflow/carrier/testing";
import { activities } from "./activities.ts";

const [greet] = activities;

test("greets by name", async () => {
  assert.ok(greet);
  assert.deepEqual(await new ActivityTestEnvironment().run(greet, ["Ada"]), { text: "Hello, Ada" });
});

test("refuses a greeting for nobody, for good", async () => {
  assert.ok(greet);
  const failure = await new ActivityTestEnvironment().start(greet, [""]).failure();
  assert.equal(failure.retryable, false);
});
