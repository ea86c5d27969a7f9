import { bearerToken } from "@durable-workflow/carrier";
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { activities } from "./activities.ts";

const carrier = fetchInvocableActivityHandler(activities, {
  auth: bearerToken(process.env.CARRIER_TOKEN ?? ""),
  health: true,
});

const server = Bun.serve({
  hostname: process.env.HOST ?? "127.0.0.1",
  port: Number(process.env.PORT ?? 8787),
  // In seconds. Without it a task that runs for longer than 10 seconds loses its connection.
  idleTimeout: 0,
  fetch: (request) => carrier(request),
});
console.log(`listening on ${server.url}`);
