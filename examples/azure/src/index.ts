import { app } from "@azure/functions";
import { bearerToken } from "@durable-workflow/carrier";
import { azureFunctionsInvocableActivityHandler } from "@durable-workflow/carrier/azure-functions";
import { activities } from "./activities.ts";

app.http("tasks", {
  methods: ["GET", "POST"],
  // The carrier's own gate decides. "function" adds Azure's keys in front of it.
  authLevel: "anonymous",
  handler: azureFunctionsInvocableActivityHandler(activities, {
    auth: bearerToken(process.env.CARRIER_TOKEN ?? ""),
    health: true,
  }),
});
