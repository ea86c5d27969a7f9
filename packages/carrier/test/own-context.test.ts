import { AsyncLocalStorage } from "node:async_hooks";
import { createServer } from "node:http";
import { expect, it } from "vitest";
import { fetchInvocableActivityHandler } from "../src/adapters/fetch.js";
import { lambdaInvocableActivityHandler } from "../src/adapters/lambda.js";
import { nodeInvocableActivityHandler } from "../src/adapters/node.js";
import { InvocableHttpEndpoint } from "../src/http/seam.js";
import { InvocableActivityHandler } from "../src/index.js";
import { activityTaskEnvelope } from "./support/envelopes.js";
import { listen } from "./support/loopback.js";
import { postHead, RawConnection } from "./support/raw-http.js";

/** What a handler enters is its own: the next task of the same caller does not see it. */
const TASK = JSON.stringify(activityTaskEnvelope());

function leaking() {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const handlers = {
    "lamps.dim": () => {
      seen.push(storage.getStore());
      storage.enterWith("of another task");
    },
  };
  return { storage, seen, handlers };
}

it("with a handler called in the process", async () => {
  const { storage, seen, handlers } = leaking();
  const handler = new InvocableActivityHandler(handlers);
  await storage.run("the caller's", async () => {
    await handler.handle(activityTaskEnvelope());
    const both = [handler.handle(activityTaskEnvelope()), handler.handle(activityTaskEnvelope())];
    expect(storage.getStore()).toBe("the caller's");
    await Promise.all(both);
    expect(storage.getStore()).toBe("the caller's");
  });
  await handler.handle(activityTaskEnvelope());
  expect(seen).toEqual(["the caller's", "the caller's", "the caller's", undefined]);
});

it("through every adapter", async () => {
  const { seen, handlers } = leaking();
  const overFetch = fetchInvocableActivityHandler(handlers);
  const overLambda = lambdaInvocableActivityHandler(handlers);
  const endpoint = new InvocableHttpEndpoint(handlers);
  for (let time = 0; time < 2; time++) {
    await overFetch(new Request("https://carrier.test/", { method: "POST", body: TASK }));
    await overLambda(JSON.parse(TASK));
    await endpoint.answer(TASK);
  }
  expect(seen).toEqual(Array.from({ length: 6 }, () => undefined));
});

it("on one connection of a Node server", async () => {
  const { seen, handlers } = leaking();
  const server = await listen(createServer(nodeInvocableActivityHandler(handlers)));
  const raw = new RawConnection(Number(new URL(server.url).port));
  try {
    for (let time = 1; time <= 3; time++) {
      raw.send(postHead(TASK.length) + TASK);
      await raw.statusCodes(time);
    }
    raw.send((postHead(TASK.length) + TASK).repeat(2));
    expect(await raw.statusCodes(5)).toEqual([200, 200, 200, 200, 200]);
  } finally {
    raw.drop();
    await server.close();
  }
  expect(seen).toEqual(Array.from({ length: 5 }, () => undefined));
});
