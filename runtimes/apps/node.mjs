import { createServer } from "node:http";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { serve } from "@durable-workflow/carrier/serve";
import { handlersWith, options } from "./carrier.mjs";

const handlers = handlersWith(([request, response]) => `${request.url}, ${typeof response.writeHead}`);
const server = await serve(handlers, { ...options, port: 0 });

// Behind something that has read the body, and left it parsed.
const carrier = nodeInvocableActivityHandler(handlers, options);
const behind = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  request.body = JSON.parse(Buffer.concat(chunks).toString());
  carrier(request, response);
});
behind.listen(0, "127.0.0.1", () =>
  console.log(`listening on ${server.url} http://127.0.0.1:${behind.address().port}/`),
);
