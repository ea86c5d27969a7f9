import { join } from "node:path";
import { LONGEST_INPUT_SCHEMA } from "@durable-workflow/carrier/protocol";
import { Client } from "@durable-workflow/test-support/engine-client";
import { expect, it } from "vitest";
import { openEngine, temporaryFolder } from "./support/engine.js";

const TELL = "/api/worker/input-schemas";
const list = (...prefixItems: readonly object[]) => ({ type: "array", prefixItems, items: false });

it("keeps what workers say of arguments, by queue and type, until they say otherwise", async () => {
  const { client, clock } = await openEngine();
  const known = async (query = "") =>
    (await client.call("GET", `/api/inspection/input-schemas${query}`)).body.input_schemas;
  expect(await known()).toEqual([]);
  const said = {
    task_queue: "lamps",
    activity_types: ["dim", "count", "__proto__"],
    input_schemas: { dim: list({ type: "integer" }), other: list() },
  };
  expect(await client.call("POST", TELL, said)).toMatchObject({ status: 200, body: { task_queue: "lamps", kept: 1 } });
  const dim = { task_queue: "lamps", activity_type: "dim", schema: list({ type: "integer" }) };
  expect(await known()).toEqual([dim]);
  await clock.advance(1_000);
  const halls = {
    task_queue: "halls",
    activity_types: ["dim", "count"],
    input_schemas: { dim: list(), count: list() },
  };
  await client.call("POST", TELL, halls);
  const inHalls = (activity_type: string) => ({ task_queue: "halls", activity_type, schema: list() });
  expect(await known()).toEqual([inHalls("count"), inHalls("dim"), dim]);
  expect(await known("?activity_type=dim")).toEqual([inHalls("dim"), dim]);
  // Of a type that is named without a schema nothing is known any more.
  await client.call("POST", TELL, { ...halls, input_schemas: { count: list({}) } });
  expect(await known()).toEqual([{ ...inHalls("count"), schema: list({}) }, dim]);
});

it("knows them still once it was closed and opened again", async () => {
  const file = join(temporaryFolder(), "engine.sqlite");
  const { client, engine } = await openEngine({ file });
  await client.call("POST", TELL, { task_queue: "q", activity_types: ["t"], input_schemas: { t: list() } });
  await engine.close();
  const { client: again } = await openEngine({ file });
  expect((await again.call("GET", "/api/inspection/input-schemas")).body.input_schemas).toHaveLength(1);
});

it.each<[Record<string, unknown>, string]>([
  [{ activity_types: ["t"], input_schemas: { t: {} } }, "task_queue"],
  [{ task_queue: "q", activity_types: "t" }, "activity_types"],
  [{ task_queue: "q", activity_types: ["t"], input_schemas: [] }, "input_schemas"],
  [{ task_queue: "q", activity_types: ["t"], input_schemas: { t: "text" } }, "input_schemas.t"],
  [
    { task_queue: "q", activity_types: ["t"], input_schemas: { t: { description: "x".repeat(LONGEST_INPUT_SCHEMA) } } },
    "input_schemas.t",
  ],
])("refuses what is wrong: %#", async (body, field) => {
  const { client } = await openEngine();
  const answer = await client.call("POST", TELL, body);
  expect([answer.status, Object.keys(answer.body.validation_errors ?? answer.body.errors)]).toEqual([422, [field]]);
});

it("says that it does", async () => {
  const { client } = await openEngine();
  const { body } = await client.call("GET", "/api/cluster/info");
  expect(body.worker_protocol.server_capabilities.activity_input_schemas).toBe(true);
});

it("is told by workers alone, shown to operators alone, and of each namespace by itself", async () => {
  const auth = { workerToken: "w".repeat(20), operatorToken: "o".repeat(20), adminToken: "a".repeat(20) };
  const { url, client } = await openEngine({ auth, namespaces: ["other"] }, auth);
  const said = { task_queue: "q", activity_types: ["t"], input_schemas: { t: list() } };
  const shown = "/api/inspection/input-schemas";
  expect((await client.call("POST", TELL, said)).status).toBe(200);
  expect((await client.call("GET", shown)).body.input_schemas).toHaveLength(1);
  for (const path of [`${shown}?activity_type=%00`, `${shown}?activity_type=__proto__`, `${shown}?activity_type=`])
    expect((await client.call("GET", path)).body.input_schemas).toEqual([]);
  const other = new Client(url, { ...auth, namespace: "other" });
  expect((await other.call("GET", shown)).body.input_schemas).toEqual([]);
  // Forgotten there, it is still known here.
  expect((await other.call("POST", TELL, { ...said, input_schemas: {} })).status).toBe(200);
  expect((await client.call("GET", shown)).body.input_schemas).toHaveLength(1);
  const swapped = new Client(url, { workerToken: auth.operatorToken, operatorToken: auth.workerToken });
  expect((await swapped.call("POST", TELL, said)).status).toBe(403);
  expect((await swapped.call("GET", shown)).status).toBe(403);
  const nobody = new Client(url);
  expect((await nobody.call("POST", TELL, said)).status).toBe(401);
  expect((await nobody.call("GET", shown)).status).toBe(401);
});
