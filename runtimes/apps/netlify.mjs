// A function of Netlify's newer kind: a Request and a context.
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { handlersWith, options } from "./carrier.mjs";

const handlers = handlersWith(([request, context]) => {
  context.waitUntil(Promise.resolve());
  return `${new URL(request.url).pathname}, waitUntil ${typeof context.waitUntil}`;
});
const carrier = fetchInvocableActivityHandler(handlers, options);

export default async (request, context) => {
  if (new URL(request.url).pathname === "/read") await request.text();
  return carrier(request, context);
};
