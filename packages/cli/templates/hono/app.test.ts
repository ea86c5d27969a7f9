import assert from "node:assert/strict";
import { test } from "node:test";
import { buildTaskInput } from "@durable-workflow/carrier/testing";

process.env["DW_CARRIER_TOKEN"] ??= "token-of-the-test";
const { app } = await import("./app.ts");

test("the route answers a task that comes with the token", async () => {
  const body = JSON.stringify(buildTaskInput({ activityType: "greetings.greet", args: ["Ada"] }));
  const ask = async (authorization: string): Promise<number> =>
    (await app.request("/tasks", { method: "POST", body, headers: { authorization } })).status;
  assert.equal(await ask(`Bearer ${process.env["DW_CARRIER_TOKEN"]}`), 200);
  assert.equal(await ask("Bearer another"), 401);
});
