// A function whose default export has a `fetch`.
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { handlersWith, options } from "../carrier.mjs";

const handlers = handlersWith(([request, event]) => `${typeof request.url}, waitUntil ${typeof event.waitUntil}`);
const carrier = fetchInvocableActivityHandler(handlers, options);

export default {
  async fetch(request, event) {
    if (new URL(request.url).pathname === "/read") await request.text();
    return carrier(request, event);
  },
};
