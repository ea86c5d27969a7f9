import { bearerToken } from "@durable-workflow/carrier";
import { googleCloudFunctionsInvocableActivityHandler } from "@durable-workflow/carrier/google-cloud-functions";
import { http } from "@google-cloud/functions-framework";
import { activities } from "./activities.ts";

http(
  "tasks",
  googleCloudFunctionsInvocableActivityHandler(activities, {
    auth: bearerToken(process.env.CARRIER_TOKEN ?? ""),
    health: true,
  }),
);
