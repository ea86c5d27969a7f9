import { buildTaskInput } from "@durable-workflow/carrier/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Program, startProgram } from "./support/app.js";
import { LAMBDA_EVENTS } from "./support/lambda-events.js";
import { LambdaRuntimeApi } from "./support/lambda-runtime-api.js";
import type { Platform, RuntimeAnswer, SentRequest } from "./support/platform.js";
import { installedFile, work } from "./support/runtimes.js";
import { testPlatform } from "./support/test-platform.js";

/** The real runtime client, on the version of Node that Lambda has. */
const node = installedFile("node-24/bin/node");
const client = installedFile("aws-lambda-ric/index.mjs");
const missing = node.missing ?? client.missing;

/** What an invocation that is waited for may be sent: 6 MB. */
const MOST_EVENT_BYTES = 6 * 1024 * 1024;
const TOO_LARGE: RuntimeAnswer = {
  status: 413,
  headers: {},
  body: '{"Message":"Request Entity Too Large"}',
  isReused: true,
};

let running: { readonly api: LambdaRuntimeApi; readonly program: Program } | undefined;

async function start(): Promise<LambdaRuntimeApi> {
  if (running !== undefined) return running.api;
  const api = new LambdaRuntimeApi();
  const address = await api.listen();
  const program = startProgram({
    program: node.path,
    args: ["--require", "./lambda-native-client.cjs", client.path],
    cwd: work,
    env: {
      AWS_LAMBDA_RUNTIME_API: address,
      _HANDLER: "lambda.handler",
      AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/carrier",
      AWS_LAMBDA_LOG_STREAM_NAME: "1",
      AWS_LAMBDA_FUNCTION_NAME: "carrier",
      AWS_LAMBDA_FUNCTION_VERSION: "1",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
      LAMBDA_TASK_ROOT: work,
    },
  });
  program.process.once("exit", (code) => api.fail(`The runtime client ended with ${code}: ${program.said()}`));
  running = { api, program };
  return api;
}

afterAll(async () => {
  await running?.program.stop();
  await running?.api.close();
});

for (const [service, toEvent] of Object.entries(LAMBDA_EVENTS)) {
  const platform: Platform = {
    name: `Lambda, ${service}`,
    given: `${service.endsWith("version 1") ? "undefined" : "object"}, carrier, string`,
    missing,
    async start() {
      const api = await start();
      const send = async (request: SentRequest): Promise<RuntimeAnswer | undefined> => {
        const event = toEvent(request);
        // The service does not call the function then.
        if (JSON.stringify(event).length > MOST_EVENT_BYTES) return TOO_LARGE;
        const invocation = api.invoke(event);
        const left = request.leaveAfterMs === undefined ? [] : [after(request.leaveAfterMs)];
        const done = await Promise.race([invocation, ...left]);
        if (done === undefined) return undefined;
        if (done.error !== undefined) throw new Error(`${done.error.errorType}: ${done.error.errorMessage}`);
        return toAnswer(done.result);
      };
      return { connect: () => ({ send, close: () => {} }), stop: () => Promise.resolve() };
    },
  };
  testPlatform(platform);
}

function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function toAnswer(result: unknown): RuntimeAnswer {
  const { statusCode, headers, multiValueHeaders, body } = result as {
    statusCode: number;
    headers?: Record<string, string>;
    multiValueHeaders?: Record<string, string[]>;
    body: string;
  };
  const flat = Object.entries(multiValueHeaders ?? {}).map(([name, values]) => [name, values.join(", ")]);
  return { status: statusCode, headers: { ...headers, ...Object.fromEntries(flat) }, body, isReused: true };
}

describe.skipIf(missing !== undefined)("Lambda, events that are no requests", () => {
  let api: LambdaRuntimeApi;
  beforeAll(async () => {
    api = await start();
  });

  it("a bare envelope gets the bare result", async () => {
    const { result } = await api.invoke(buildTaskInput({ activityType: "conformance.echo", args: [1] }));
    expect(result).toMatchObject({ outcome: { status: "succeeded" } });
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
