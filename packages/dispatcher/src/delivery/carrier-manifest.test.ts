import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { ACTIVITY_MANIFEST_MEDIA_TYPE } from "@durable-workflow/carrier/protocol";
import { expect, it, onTestFinished } from "vitest";
import { NetworkGuard } from "../net/guard.js";
import { CallOff } from "../time/call-off.js";
import { askInputSchemas } from "./carrier-manifest.js";
import type { Credential } from "./credentials.js";
import { HttpAgents } from "./http-agents.js";

const MANIFEST = {
  schema: "durable-workflow.activity-manifest",
  version: 1,
  carrier: "lamps",
  activity_types: ["dim"],
  input_schemas: { dim: { type: "array" }, other: {} },
};

async function asked(listener: RequestListener, credential: Credential = { type: "none" }, abort = new CallOff()) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const guard = new NetworkGuard({ denyPrivateNetworks: false });
  const agents = new HttpAgents({ guard, connectTimeoutMs: 5_000 });
  onTestFinished(async () => {
    await agents.close();
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tasks?tenant=a`;
  const carrier = { name: "lamps", type: "invocable_http", url } as unknown as Parameters<
    typeof askInputSchemas
  >[0]["carrier"];
  return askInputSchemas({ carrier, credential, abort }, { guard, agents });
}

it("asks with one GET, and shows what its tasks are shown", async () => {
  let seen: unknown;
  const schemas = await asked(
    ({ method, url, headers }, response) => {
      seen = [method, url, headers.accept, headers.authorization];
      response.end(JSON.stringify(MANIFEST));
    },
    { type: "bearer", token: "s3cret" },
  );
  expect(seen).toEqual(["GET", "/tasks?tenant=a", ACTIVITY_MANIFEST_MEDIA_TYPE, "Bearer s3cret"]);
  expect([...(schemas ?? [])]).toEqual([["dim", { type: "array" }]]);
});

it("takes a manifest without shapes for one that knows of none", async () => {
  const { input_schemas: _, ...names } = MANIFEST;
  expect(await asked((_request, response) => void response.end(JSON.stringify(names)))).toEqual(new Map());
});

it.each<[string, RequestListener]>([
  ["a refusal", (_, response) => void response.writeHead(405).end(JSON.stringify(MANIFEST))],
  ["a health document", (_, response) => void response.end('{"status":"ok"}')],
  ["a page", (_, response) => void response.end("<html>")],
  ["more than a manifest may be", (_, response) => void response.end("x".repeat(5 * 1024 * 1024))],
])("learns nothing from %s", async (_, listener) => {
  expect(await asked(listener)).toBeUndefined();
});

it("asks nobody whose gate wants what is made of a task's body", async () => {
  const credential: Credential = { type: "authorized", authorize: () => Promise.reject(new Error("not asked")) };
  let requests = 0;
  expect(await asked(() => void requests++, credential)).toBeUndefined();
  expect(requests).toBe(0);
});

it("ends when it is called off", async () => {
  const abort = new CallOff();
  const asking = asked(() => abort.abort(undefined), { type: "none" }, abort);
  await expect(asking).rejects.toMatchObject({ name: "AbortError" });
});
