// A function for the edge runtime, which knows no Node.
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { handlersWith, options } from "../carrier.mjs";

export const config = { runtime: "edge" };

const handlers = handlersWith(([request, context]) => `${typeof request.url}, waitUntil ${typeof context.waitUntil}`);
const carrier = fetchInvocableActivityHandler(handlers, options);

export default async function answer(request, context) {
  if (new URL(request.url).pathname === "/read") await request.text();
  return carrier(request, context);
}
