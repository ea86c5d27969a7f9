import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { handlersWith, options } from "../../../carrier.mjs";

const handlers = handlersWith(([request, context]) => `${typeof request.nextUrl}, ${typeof context}`);
const carrier = fetchInvocableActivityHandler(handlers, options);

export { carrier as GET, carrier as POST, carrier as PUT };
