import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** A server, of HTTP/1.1 or HTTP/2, that listens on a free port of this machine. */
export interface Loopback {
  readonly url: string;
  readonly port: number;
  /** Waits until so many connections are open. */
  connections(count: number): Promise<void>;
  /** Ends it, with the connections that are still open. */
  close(): Promise<void>;
}

/** Listens at a port, or at any that is free. */
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
    async connections(count) {
      while (sockets.size !== count) {
        await new Promise((resolve) => {
          setTimeout(resolve, 5);
        });
      }
    },
    async close() {
      const closed = new Promise((resolve) => {
        server.close(resolve);
      });
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** An address of this machine that nobody listens at. */
export async function closedAddress(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}

/** A port of this machine that nobody listens at. */
export async function freePort(): Promise<number> {
  const server = await listen(createServer());
  await server.close();
  return server.port;
}
