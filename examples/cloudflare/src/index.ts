import { env } from "cloudflare:workers";
import { bearerToken } from "@durable-workflow/carrier";
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { activities } from "./activities.ts";

const carrier = fetchInvocableActivityHandler(activities, {
  auth: bearerToken(env.CARRIER_TOKEN ?? ""),
  health: true,
});

export default { fetch: (request: Request) => carrier(request) };
