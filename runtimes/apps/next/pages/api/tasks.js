import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { handlersWith, options } from "../../../carrier.mjs";

const handlers = handlersWith(([request, response]) => `${request.url}, ${typeof response.json}`);

// Next.js reads no body, and so has no limit of its own; it does not wait for a promise to be returned.
export const config = { api: { bodyParser: false, externalResolver: true } };

export default nodeInvocableActivityHandler(handlers, options);
