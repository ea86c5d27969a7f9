import { bearerToken } from "@durable-workflow/carrier";
import { lambdaInvocableActivityHandler } from "@durable-workflow/carrier/lambda";
import { activities } from "./activities.ts";

export const handler = lambdaInvocableActivityHandler(activities, {
  auth: bearerToken(process.env["DW_CARRIER_TOKEN"] ?? ""),
  health: true,
});
