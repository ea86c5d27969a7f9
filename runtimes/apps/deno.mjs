import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { handlersWith, options } from "./carrier.mjs";

const handlers = handlersWith(([request, info]) => `${request.constructor.name}, from ${info.remoteAddr.hostname}`);
const carrier = fetchInvocableActivityHandler(handlers, options);

Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(`listening on http://127.0.0.1:${port}/`),
  },
  async (request, info) => {
    if (new URL(request.url).pathname === "/read") await request.text();
    return carrier(request, info);
  },
);
