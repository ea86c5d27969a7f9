// Azure's own library around the carrier: what its host sends is made of lines from standard input, and what it would
// send back is written to standard output. The host itself is no package.
import { createInterface } from "node:readline";
import { azureFunctionsInvocableActivityHandler } from "@durable-workflow/carrier/azure-functions";
import azure from "@azure/functions";
import { handlersWith, options } from "./carrier.mjs";

const { app, HttpRequest, HttpResponse, InvocationContext } = azure;
const handlers = handlersWith(([request, context]) => `${request.constructor.name}, ${context.functionName}`);
const handler = azureFunctionsInvocableActivityHandler(handlers, options);

app.http("tasks", { methods: ["GET", "POST"], authLevel: "anonymous", handler });

for await (const line of createInterface({ input: process.stdin })) {
  const { id, path, method, headers, body } = JSON.parse(line);
  void answer(id, path, { method, headers, body });
}

async function answer(id, path, { method, headers, body }) {
  const bytes = body === null ? undefined : { bytes: Buffer.from(body, "base64") };
  const request = new HttpRequest({
    url: `https://carrier.test${path}`,
    method,
    headers,
    ...(bytes && method !== "GET" && method !== "HEAD" && { body: bytes }),
  });
  if (path === "/read") await request.text();
  const context = new InvocationContext({ functionName: "tasks", invocationId: id });
  const response = new HttpResponse(await handler(request, context));
  const text = await response.text();
  process.stdout.write(
    `${JSON.stringify({ id, status: response.status, headers: Object.fromEntries(response.headers), body: text })}\n`,
  );
}
