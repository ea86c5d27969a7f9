// Child of payloads.mjs: a carrier whose activity gives back what it is given.
import { createServer } from "node:http";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";

const limit = 256 * 2 ** 20;
const options = { bodyLimitBytes: limit, maxConcurrentBodyBytes: 4 * limit };
const server = createServer(nodeInvocableActivityHandler({ echo: (value) => value }, options));
server.listen(0, "127.0.0.1", () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  process.send?.({ url: `http://127.0.0.1:${port}` });
});
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuMs: (user + system) / 1000 });
});
process.on("SIGTERM", () => process.exit());
