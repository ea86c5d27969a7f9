import { bearerToken } from "@durable-workflow/carrier";
import { serve } from "@durable-workflow/carrier/serve";
import { activities } from "./activities.ts";

const server = await serve(activities, {
  host: process.env.HOST ?? "127.0.0.1",
  port: Number(process.env.PORT ?? 8787),
  auth: bearerToken(process.env.CARRIER_TOKEN ?? ""),
});
console.log(`listening on ${server.url}`);
