import { buildTaskInput } from "@durable-workflow/carrier/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LAMBDA_EVENTS } from "./support/lambda-events.js";
import { type LambdaFunction, lambdaMissing, overEvents, startLambdaFunction } from "./support/lambda-function.js";
import type { LambdaRuntimeApi } from "./support/lambda-runtime-api.js";
import type { Platform } from "./support/platform.js";
import { work } from "./support/runtimes.js";
import { testPlatform } from "./support/test-platform.js";

/** One function for all services. */
let running: Promise<LambdaFunction> | undefined;

function start(): Promise<LambdaFunction> {
  running ??= startLambdaFunction(work, "lambda.handler");
  return running;
}

afterAll(async () => {
  await (await running)?.stop();
});

for (const [service, toEvent] of Object.entries(LAMBDA_EVENTS)) {
  const platform: Platform = {
    name: `Lambda, ${service}`,
    given: `${service.endsWith("version 1") ? "undefined" : "object"}, carrier, string`,
    missing: lambdaMissing,
    start: async () => overEvents(await start(), toEvent),
  };
  testPlatform(platform);
}

describe.skipIf(lambdaMissing !== undefined)("Lambda, events that are no requests", () => {
  let api: LambdaRuntimeApi;
  beforeAll(async () => {
    ({ api } = await start());
  });

  it("a bare envelope gets the bare result", async () => {
    const invocation = await api.invoke(buildTaskInput({ activityType: "conformance.echo", args: [1] }));
    expect(invocation).toMatchObject({ result: { outcome: { status: "succeeded" } } });
  });

  it.each([
    ["a batch of SQS", { Records: [{ eventSource: "aws:sqs", messageId: "1", body: "{}" }] }],
    ["an event of EventBridge", { version: "0", "detail-type": "Scheduled Event", source: "aws.events", detail: {} }],
    ["records of Kafka", { eventSource: "aws:kafka", records: { "topic-0": [] } }],
    ["records of a pipe", [{ eventSource: "aws:sqs", messageId: "1", body: "{}" }]],
    ["log events", { awslogs: { data: "" } }],
  ])("AWS sees a failure for %s", async (_, event) => {
    const { error } = await api.invoke(event);
    expect(error).toMatchObject({ errorType: "TypeError", errorMessage: expect.stringContaining("carrier") as string });
  });
});
