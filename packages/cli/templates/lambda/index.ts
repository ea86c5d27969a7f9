import { bearerToken } from "@durable-workflow/carrier";
import { lambdaInvocableActivityHandler } from "@durable-workflow/carrier/lambda";
import { activityManifest } from "@durable-workflow/carrier/manifest";
import { activities } from "./activities.ts";

export const handler = lambdaInvocableActivityHandler(activities, {
  auth: bearerToken(process.env["DW_CARRIER_TOKEN"] ?? ""),
  health: true,
  // Tells which activities there are, and what their arguments look like, to whoever has the token.
  manifest: activityManifest(),
});
