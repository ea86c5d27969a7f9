import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Inspector } from "@durable-workflow/inspector";

export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a page by itself. Rejects with the system's error when the address cannot be listened on. */
export async function servePage(inspector: Inspector, host: string, port: number): Promise<PageServer> {
  const server = createServer({ requestTimeout: 60_000 }, (request, response) => {
    inspector.handle(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const { address, family, port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${bound}/`,
    async close() {
      inspector.close();
      const closed = new Promise((resolve) => {
        server.close(resolve);
      });
      server.closeAllConnections();
      await closed;
    },
  };
}
