import { bearerToken } from "@durable-workflow/carrier";
import { activityManifest } from "@durable-workflow/carrier/manifest";
import { serve } from "@durable-workflow/carrier/serve";
import { activities } from "./activities.ts";

const server = await serve(activities, {
  host: process.env["HOST"] ?? "127.0.0.1",
  port: Number(process.env["PORT"] ?? 8787),
  auth: bearerToken(process.env["DW_CARRIER_TOKEN"] ?? ""),
  manifest: activityManifest(),
});
console.log(`listening on ${server.url}`);
