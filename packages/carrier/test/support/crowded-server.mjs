// A carrier in a process of its own, whose one activity takes a while; it ends when its standard input closes.
import { createServer } from "node:http";
import { nodeInvocableActivityHandler } from "../../dist/adapters/node.js";

const handlers = {
  "lamps.dim": async (...args) => {
    await new Promise((resolve) => setTimeout(resolve, 3000));
    return args.length;
  },
};
const server = createServer(nodeInvocableActivityHandler(handlers, { health: true }));
server.listen(0, "127.0.0.1", () => process.stdout.write(`port ${server.address().port}\n`));
process.stdin.on("end", () => process.exit()).resume();
