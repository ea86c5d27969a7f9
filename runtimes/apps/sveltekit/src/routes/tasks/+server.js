import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { handlersWith, options } from "../../../../carrier.mjs";

const handlers = handlersWith(([request, event]) => `${request.constructor.name}, ${event.url.pathname}`);
const carrier = fetchInvocableActivityHandler(handlers, options);

export const fallback = (event) => carrier(event.request, event);
