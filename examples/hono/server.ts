import { bearerToken } from "@durable-workflow/carrier";
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { activities } from "./activities.ts";

const carrier = fetchInvocableActivityHandler(activities, {
  auth: bearerToken(process.env.CARRIER_TOKEN ?? ""),
  health: true,
});

const app = new Hono();
app.all("/tasks", (context) => carrier(context.req.raw));

serve(
  { fetch: app.fetch, hostname: process.env.HOST ?? "127.0.0.1", port: Number(process.env.PORT ?? 8787) },
  ({ address, port }) => console.log(`listening on http://${address}:${port}/tasks`),
);
