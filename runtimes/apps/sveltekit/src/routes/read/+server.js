import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { handlersWith, options } from "../../../../carrier.mjs";

const carrier = fetchInvocableActivityHandler(handlersWith(String), options);

export async function POST({ request }) {
  await request.text();
  return carrier(request);
}
