import { bearerToken } from "@durable-workflow/carrier";
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { activities } from "../activities.js";

const carrier = fetchInvocableActivityHandler(activities, {
  auth: bearerToken(() => process.env.CARRIER_TOKEN ?? ""),
  health: true,
});

export { carrier as GET, carrier as POST };
