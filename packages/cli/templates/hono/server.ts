import { serve } from "@hono/node-server";
import { app } from "./app.ts";

serve(
  { fetch: app.fetch, hostname: process.env["HOST"] ?? "127.0.0.1", port: Number(process.env["PORT"] ?? 8787) },
  ({ address, port }) => console.log(`listening on http://${address}:${port}/tasks`),
);
