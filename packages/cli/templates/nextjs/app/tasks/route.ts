import { bearerToken } from "@durable-workflow/carrier";
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { activityManifest } from "@durable-workflow/carrier/manifest";
import { activities } from "../../activities.ts";

/** In seconds, where the platform asks for it: as long as the longest task. */
export const maxDuration = 60;

const carrier = fetchInvocableActivityHandler(activities, {
  // Read for each request: the build loads this file too, and knows no secrets.
  auth: bearerToken(() => process.env["DW_CARRIER_TOKEN"] ?? ""),
  health: true,
  manifest: activityManifest(),
});

export { carrier as GET, carrier as POST };
