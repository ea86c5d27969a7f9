// Child of worker.mjs: a carrier as users write it, on Node's own server.
import { createServer } from "node:http";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { activities } from "./activities.mjs";
import { answerUsage } from "./usage.mjs";

const server = createServer(nodeInvocableActivityHandler(activities));
server.keepAliveTimeout = 600_000;
answerUsage();
server.listen(0, "127.0.0.1", () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  process.send?.({ url: `http://127.0.0.1:${port}/` });
});
