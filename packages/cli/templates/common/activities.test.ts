import assert from "node:assert/strict";
import { test } from "node:test";
import { ActivityTestEnvironment } from "@durable-workflow/carrier/testing";
import { activities } from "./activities.ts";

test("greets by name", async () => {
  const env = new ActivityTestEnvironment();
  assert.equal(await env.run(activities["greetings.greet"], ["Ada"]), "Hello, Ada");
});

test("refuses a greeting for nobody, for good", async () => {
  const env = new ActivityTestEnvironment();
  const failure = await env.start(activities["greetings.greet"], [""]).failure();
  assert.equal(failure.retryable, false);
});

test("counts steps, and refuses what is no number of them", async () => {
  const env = new ActivityTestEnvironment();
  assert.equal(await env.run(activities["greetings.count"], [1]), 1);
  const failure = await env.start(activities["greetings.count"], [0]).failure();
  assert.equal(failure.retryable, false);
});
