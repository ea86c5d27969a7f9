import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { handlersWith, options } from "./carrier.mjs";

const handlers = handlersWith(([request, env, ctx]) => {
  ctx.waitUntil(Promise.resolve());
  return `${request.constructor.name}, ${env.GREETING}, waitUntil ${typeof ctx.waitUntil}`;
});
const carrier = fetchInvocableActivityHandler(handlers, options);

export default {
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname === "/read") await request.text();
    return carrier(request, env, ctx);
  },
};
