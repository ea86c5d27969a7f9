// A function of Node's request and response. The platform has read every body before, and plays it back.
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { handlersWith, options } from "../carrier.mjs";

const handlers = handlersWith(([request, response]) => `${typeof request.query}, ${typeof response.json}`);
const carrier = nodeInvocableActivityHandler(handlers, options);

export default function answer(request, response) {
  // What the platform parses when it is first asked for.
  if (request.url === "/read") JSON.stringify(request.body);
  carrier(request, response);
}
