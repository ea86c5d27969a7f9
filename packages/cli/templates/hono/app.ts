import { bearerToken } from "@durable-workflow/carrier";
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { activityManifest } from "@durable-workflow/carrier/manifest";
import { Hono } from "hono";
import { activities } from "./activities.ts";

const carrier = fetchInvocableActivityHandler(activities, {
  auth: bearerToken(process.env["DW_CARRIER_TOKEN"] ?? ""),
  health: true,
  manifest: activityManifest(),
});

export const app = new Hono();
app.get("/", (context) => context.text("The activities are at /tasks."));
app.all("/tasks", (context) => carrier(context.req.raw));
