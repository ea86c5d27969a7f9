import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { handlersWith, options } from "./carrier.mjs";

const handlers = handlersWith(([request, context]) => `${typeof request.url}, ${context.req.path}`);
const carrier = fetchInvocableActivityHandler(handlers, options);

const app = new Hono();
app.all("/tasks", (context) => carrier(context.req.raw, context));
app.all("/read", async (context) => {
  await context.req.text();
  return carrier(context.req.raw, context);
});
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
  console.log(`listening on http://127.0.0.1:${port}/tasks`),
);
