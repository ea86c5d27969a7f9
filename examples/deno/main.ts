import { bearerToken } from "@durable-workflow/carrier";
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { activities } from "./activities.ts";

const carrier = fetchInvocableActivityHandler(activities, {
  auth: bearerToken(Deno.env.get("CARRIER_TOKEN") ?? ""),
  health: true,
});

Deno.serve(
  {
    hostname: Deno.env.get("HOST") ?? "127.0.0.1",
    port: Number(Deno.env.get("PORT") ?? 8787),
    onListen: ({ hostname, port }) => console.log(`listening on http://${hostname}:${port}/`),
  },
  (request) => carrier(request),
);
