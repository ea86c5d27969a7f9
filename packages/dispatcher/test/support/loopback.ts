import type { AddressInfo, Server, Socket } from "node:net";

/** A server that listens on a port of this machine. */
export interface Loopback {
  readonly url: string;
  readonly port: number;
  /** Ends it, with the connections that are still open. */
  close(): Promise<void>;
}

export async function listen(server: Server, port = 0): Promise<Loopback> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    async close() {
      const closed = new Promise((resolve) => {
        server.close(resolve);
      });
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
