import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { azureFunctionsInvocableActivityHandler } from "@durable-workflow/carrier/azure-functions";
import { lambdaInvocableActivityHandler } from "@durable-workflow/carrier/lambda";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { handlersWith, options } from "../apps/carrier.mjs";
import { runtimeCases } from "../cases.js";
import { overHttp } from "../support/http-connection.js";
import { LAMBDA_EVENTS, TOO_LARGE_FOR_LAMBDA, toLambdaAnswer } from "../support/lambda-events.js";
import type { Platform, RuntimeAnswer, SentRequest } from "../support/platform.js";
import { testPlatform } from "../support/test-platform.js";

/** The table through adapters in this process, without what they are made for: quick, and part of `npm test`. */
const GIVEN = "given";
const handlers = handlersWith(() => GIVEN);

testPlatform({
  name: "node adapter",
  given: GIVEN,
  async start() {
    const carrier = nodeInvocableActivityHandler(handlers, options);
    const server = createServer((request, response) => {
      if (request.url !== "/read") return carrier(request, response);
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.once("end", () => {
        carrier(Object.assign(request, { rawBody: Buffer.concat(chunks) }), response);
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    return overHttp(url, `${url}read`, async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    });
  },
});

/** Those that say something about a function call; the others wait, or are large, for the sake of a connection. */
const QUICK = runtimeCases.filter(({ id }) => !["platform/disconnect", "refusals/oversize-far"].includes(id));

/** A platform without connections. */
function direct(name: string, send: (request: SentRequest) => Promise<RuntimeAnswer>): Platform {
  return {
    name,
    given: GIVEN,
    start: () => Promise.resolve({ connect: () => ({ send, close: () => {} }), stop: () => Promise.resolve() }),
  };
}

for (const [service, toEvent] of Object.entries(LAMBDA_EVENTS)) {
  const invoke = lambdaInvocableActivityHandler(handlers, options);
  const platform = direct(`Lambda, ${service}`, async (request) => {
    const event = toEvent(request);
    if (event === undefined) return TOO_LARGE_FOR_LAMBDA;
    return toLambdaAnswer(await invoke(JSON.parse(JSON.stringify(event))));
  });
  testPlatform(platform, QUICK);
}

const azure = azureFunctionsInvocableActivityHandler(handlers, options);
testPlatform(
  direct("Azure Functions", async ({ method, headers, body, read }) => {
    const hasBody = body !== undefined && method !== "GET";
    const request = new Request("https://carrier.test/", { method, headers, ...(hasBody && { body }) });
    if (read === true) await request.text();
    return { ...(await azure(request, undefined)), isReused: true };
  }),
  QUICK,
);
