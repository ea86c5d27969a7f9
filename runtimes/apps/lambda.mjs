import { lambdaInvocableActivityHandler } from "@durable-workflow/carrier/lambda";
import { handlersWith, options } from "./carrier.mjs";

const handlers = handlersWith(
  ([event, context]) => `${typeof event.requestContext}, ${context.functionName}, ${typeof context.awsRequestId}`,
);

export const handler = lambdaInvocableActivityHandler(handlers, { ...options, allowDirectInvocation: true });
