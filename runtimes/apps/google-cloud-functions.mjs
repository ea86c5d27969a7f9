import { googleCloudFunctionsInvocableActivityHandler } from "@durable-workflow/carrier/google-cloud-functions";
import { http } from "@google-cloud/functions-framework";
import { getTestServer } from "@google-cloud/functions-framework/testing";
import { handlersWith, options } from "./carrier.mjs";

const handlers = handlersWith(([request, response]) => `${request.path}, ${typeof response.locals}`);

http("tasks", googleCloudFunctionsInvocableActivityHandler(handlers, options));

// The framework's own server; its command binds every address.
const server = getTestServer("tasks").listen(0, "127.0.0.1", () =>
  console.log(`listening on http://127.0.0.1:${server.address().port}/tasks`),
);
