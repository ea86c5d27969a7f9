import { bearerToken } from "@durable-workflow/carrier";
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { activities } from "../../activities.js";

/** In seconds, where the platform asks for it: as long as the longest task. */
export const maxDuration = 60;

const carrier = fetchInvocableActivityHandler(activities, {
  // Read for each request: the build loads this file too, and knows no secrets.
  auth: bearerToken(() => process.env.CARRIER_TOKEN ?? ""),
  health: true,
});

export { carrier as GET, carrier as POST };
