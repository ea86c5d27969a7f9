import { createServer } from "node:http";
import { defineActivity, InvocableActivityHandler } from "@durable-workflow/carrier";
import { activityManifest } from "@durable-workflow/carrier/manifest";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { type InProcessEngine, PATHS } from "@durable-workflow/engine-protocol";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { Client } from "@durable-workflow/test-support/engine-client";
import { listen } from "@durable-workflow/test-support/loopback";
import { until } from "@durable-workflow/test-support/patience";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { createDispatcher } from "../src/index.js";

/** Whether carriers are asked for their manifests, by what reaches one over HTTP. */

const TOKENS = { workerToken: "worker-t0ken", operatorToken: "operator-t0ken" };
const echo = defineActivity({ input: [z.string()], run: (_context, text) => text });

/** A carrier that would tell what arguments look like, and counts what it is asked, by method. */
async function countingCarrier() {
  const requests = new Map<string, number>();
  const answer = nodeInvocableActivityHandler({ far: echo }, { manifest: activityManifest() });
  const served = await listen(
    createServer((request, response) => {
      const method = String(request.method);
      requests.set(method, (requests.get(method) ?? 0) + 1);
      answer(request, response);
    }),
  );
  onTestFinished(() => served.close());
  return { url: `${served.url}/`, requests };
}

async function localEngine() {
  const engine = createLocalEngine({ file: ":memory:", auth: TOKENS });
  onTestFinished(() => engine.close());
  const { url } = await engine.listen();
  const client = new Client(url, TOKENS);
  let heartbeats = 0;
  const counting: InProcessEngine = {
    answer: (request) => {
      if (request.path === PATHS.workerHeartbeat) heartbeats++;
      return engine.answer(request);
    },
  };
  const known = async (): Promise<readonly string[]> => {
    const { body } = await client.call("GET", PATHS.inspectedInputSchemas);
    return (body.input_schemas as readonly { activity_type: string }[]).map(({ activity_type }) => activity_type);
  };
  return { url, client, counting, known, heartbeats: () => heartbeats };
}

it.each<readonly [boolean | readonly string[] | undefined, readonly string[]]>([
  [undefined, ["near"]],
  [false, ["near"]],
  [true, ["far", "near"]],
  [["web"], ["far", "near"]],
  [["other"], ["near"]],
  [[], ["near"]],
])("with askManifests: %s the engine knows of %j", async (askManifests, types) => {
  const carrier = await countingCarrier();
  const { url, client, counting, known, heartbeats } = await localEngine();
  const dispatcher = createDispatcher({
    engine: counting,
    handlers: { here: new InvocableActivityHandler({ near: echo }, { carrier: "here" }) },
    environment: {},
    profilesPath: "/nowhere/profiles.json",
    connection: { serverUrl: url, token: TOKENS.workerToken },
    config: () => ({
      schema: "durable-workflow.external-executor.config",
      version: 1,
      defaults: { task_queue: "q" },
      carriers: {
        web: { type: "invocable_http", url: carrier.url },
        here: { type: "invocable_http", url: "http://127.0.0.1:9/" },
      },
      mappings: [
        { name: "far", kind: "activity", activity_type: "far", carrier: "web", handler: "far" },
        { name: "near", kind: "activity", activity_type: "near", carrier: "here", handler: "near" },
      ],
    }),
    workerHeartbeatMs: 50,
    drainMs: 1_000,
    ...(askManifests === undefined ? {} : { askManifests }),
  });
  onTestFinished(async () => void (await dispatcher.drain()));
  await dispatcher.start();
  const { activity_id: id } = await client.started("far", "q", { input: ["x"] });
  expect((await client.call("GET", `/api/activities/${id}?wait=30`)).body.status).toBe("completed");
  await expect.poll(known).toEqual(types);
  // Heartbeats and a reload are further occasions to ask.
  const before = heartbeats();
  await dispatcher.reload();
  await until(() => heartbeats() >= before + 10, "ten heartbeats");
  expect([...carrier.requests.keys()].toSorted()).toEqual(types.includes("far") ? ["GET", "POST"] : ["POST"]);
});
