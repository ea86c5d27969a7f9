import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACTIVITY_MANIFEST_MEDIA_TYPE,
  readActivityManifest,
  readInputSchemas,
} from "@durable-workflow/carrier/manifest";
import { buildTaskInput } from "@durable-workflow/carrier/testing";

process.env["DW_CARRIER_TOKEN"] ??= "token-of-the-test";
const { handler } = await import("./index.ts");

test("the function answers a task that comes with the token", async () => {
  const task = buildTaskInput({ activityType: "greetings.greet", args: ["Ada"] });
  const ask = async (authorization: string): Promise<number> => {
    const event = {
      headers: { authorization },
      requestContext: { http: { method: "POST" } },
      body: JSON.stringify(task),
    };
    const answer = (await handler({ version: "2.0", rawPath: "/", isBase64Encoded: false, ...event })) as {
      statusCode: number;
    };
    return answer.statusCode;
  };
  assert.equal(await ask(`Bearer ${process.env["DW_CARRIER_TOKEN"]}`), 200);
  assert.equal(await ask("Bearer another"), 401);
});

test("the function tells which activities it has, and what they take", async () => {
  const headers = { authorization: `Bearer ${process.env["DW_CARRIER_TOKEN"]}`, accept: ACTIVITY_MANIFEST_MEDIA_TYPE };
  const answer = (await handler({
    version: "2.0",
    rawPath: "/",
    isBase64Encoded: false,
    headers,
    requestContext: { http: { method: "GET" } },
  })) as { body: string };
  const manifest: unknown = JSON.parse(answer.body);
  assert.deepEqual(readActivityManifest(manifest), ["greetings.greet", "greetings.count"]);
  assert.deepEqual([...readInputSchemas(manifest).keys()], ["greetings.count"]);
});
