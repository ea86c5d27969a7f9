import { once } from "node:events";
import { createServer } from "node:net";

/** A port of the loopback interface that nothing listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  if (typeof address !== "object" || address === null) throw new Error("a TCP server has a port");
  return address.port;
}
