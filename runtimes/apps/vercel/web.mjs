// A function of web-standard exports, by method.
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { handlersWith, options } from "../carrier.mjs";

const handlers = handlersWith(([request, event]) => {
  event.waitUntil(Promise.resolve());
  return `${typeof request.url}, waitUntil ${typeof event.waitUntil}`;
});
const carrier = fetchInvocableActivityHandler(handlers, options);

async function answer(request, event) {
  if (new URL(request.url).pathname === "/read") await request.text();
  return carrier(request, event);
}

export { answer as GET, answer as POST, answer as PUT };
