import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { H3, serve } from "h3";
import { handlersWith, options } from "./carrier.mjs";

const handlers = handlersWith(([request, event]) => `${typeof request.url}, ${event.url.pathname}`);
const carrier = fetchInvocableActivityHandler(handlers, options);

const app = new H3();
app.all("/tasks", (event) => carrier(event.req, event));
app.all("/read", async (event) => {
  await event.req.text();
  return carrier(event.req, event);
});
const server = serve(app, { hostname: "127.0.0.1", port: 0, silent: true });
await server.ready();
console.log(`listening on ${new URL("/tasks", server.url)}`);
