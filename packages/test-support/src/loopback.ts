import { randomInt } from "node:crypto";
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

/** No system gives these out by itself, to who listens at port 0 or who connects: one that is free stays free. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;
const given = new Set<number>();

/**
 * A port of this machine that nobody listens at, and that nobody else gets meanwhile: for what must be known before somebody
 * listens, or where somebody listens again. No port is given twice.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + randomInt(PORTS);
    if (given.has(port)) continue;
    given.add(port);
    try {
      const server = await listen(createServer(), port);
      await server.close();
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
  }
}
