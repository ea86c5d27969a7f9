import { connect, type Socket } from "node:net";

/** A connection spoken to by hand: bytes out, text in. */
export class RawConnection {
  readonly socket: Socket;
  received = "";

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.setEncoding("utf8");
    this.socket.on("data", (text: string) => {
      this.received += text;
    });
    // A server that hangs up is seen by what it sent.
    this.socket.on("error", () => {});
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** Waits until so many whole answers have come, and returns their status codes. */
  async statusCodes(count: number): Promise<readonly number[]> {
    for (;;) {
      const codes = [...this.received.matchAll(/HTTP\/1\.1 (\d+) [A-Z]/g)].map(([, code]) => Number(code));
      if (codes.length >= count || this.socket.destroyed) return codes;
      await new Promise((resolve) => {
        this.socket.once("data", resolve);
        this.socket.once("close", resolve);
      });
    }
  }

  /** Hangs up without a word. */
  drop(): void {
    this.socket.resetAndDestroy();
  }
}

/** A request's first lines, with the length of a body that need not all follow. */
export function postHead(length: number, ...headers: readonly string[]): string {
  return ["POST /invoke HTTP/1.1", "Host: carrier", `Content-Length: ${length}`, ...headers, "", ""].join("\r\n");
}
