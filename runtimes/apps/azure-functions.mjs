// Azure's own library around the carrier. The host itself is no package.

import azure from "@azure/functions";
import { azureFunctionsInvocableActivityHandler } from "@durable-workflow/carrier/azure-functions";
import { answerLines } from "./azure-lines.mjs";
import { handlersWith, options } from "./carrier.mjs";

const handlers = handlersWith(([request, context]) => `${request.constructor.name}, ${context.functionName}`);
const handler = azureFunctionsInvocableActivityHandler(handlers, options);

azure.app.http("tasks", { methods: ["GET", "POST"], authLevel: "anonymous", handler });

await answerLines(handler);
