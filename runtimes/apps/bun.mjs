import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { handlersWith, options } from "./carrier.mjs";

const handlers = handlersWith(([request, server]) => `${request.constructor.name}, port ${typeof server.port}`);
const carrier = fetchInvocableActivityHandler(handlers, options);

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request, bunServer) {
    if (new URL(request.url).pathname === "/read") await request.text();
    return carrier(request, bunServer);
  },
});
console.log(`listening on ${server.url}`);
