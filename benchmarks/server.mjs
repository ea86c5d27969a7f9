// Child of node.mjs: a server of the kind named by the argument, whose CPU time the parent asks for.
import { createServer } from "node:http";
import { InvocableActivityHandler } from "@durable-workflow/carrier";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { smallTask } from "./task.mjs";

const handler = new InvocableActivityHandler({ "billing.charge-card": (card, cents) => ({ charged: cents, card }) });
const result = await handler.handle(smallTask());

/** The least that any JSON endpoint does: read, parse, stringify, answer. */
function bare(request, response) {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const body = JSON.stringify(result);
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
    response.end(body);
  });
}

const server = createServer(process.argv[2] === "bare" ? bare : nodeInvocableActivityHandler(handler));
server.listen(0, "127.0.0.1", () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  process.send({ port });
});
process.on("message", () => process.send({ cpu: process.cpuUsage() }));
