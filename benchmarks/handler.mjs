// One small task through the handler and the HTTP helper, against parsing and stringifying the same two documents.
import { handleInvocableHttpRequest, InvocableActivityHandler } from "@durable-workflow/carrier";
import { compare } from "./lib.mjs";
import { smallTask } from "./task.mjs";

export async function handlerBenchmarks() {
  const handler = new InvocableActivityHandler({
    "billing.charge-card": async (card, cents) => ({ charged: cents, card }),
  });
  const envelope = smallTask();
  const body = JSON.stringify(envelope);
  const bytes = Buffer.from(body);
  const result = await handler.handle(envelope);
  await compare(
    "one small task",
    {
      "JSON.parse + JSON.stringify": () => [JSON.parse(body), JSON.stringify(result)],
      "handle (object in, object out)": async () => handler.handle(envelope),
      "body in, body out (text)": async () => handleInvocableHttpRequest(body, handler),
      "body in, body out (bytes)": async () => handleInvocableHttpRequest(bytes, handler),
    },
    { "handle (object in, object out)": 1.3, "body in, body out (text)": 2.4, "body in, body out (bytes)": 2.4 },
  );
}
