import { channel } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** What a request in undici's diagnostics is. */
interface SentHeaders {
  readonly request: object;
  readonly socket: Socket;
}

/**
 * An alert of TLS that ends a connection takes up to 31 bytes on the wire, the shortest head of an answer more than 40: what
 * is below is no answer.
 */
const MOST_OF_AN_ALERT = 39;

/** Sockets that have carried a request. */
const used = new WeakSet<Socket>();
const watched = new WeakMap<object, ConnectionUse>();
let beginning: ConnectionUse | undefined;

/** Whether a request went out on a connection that others had used before, and whether anything came back. */
export class ConnectionUse {
  private socket: Socket | undefined;
  private readBefore = 0;
  private reused = false;

  /** Watches the one request that the function begins, which it does before it returns. */
  watch<T>(begin: () => T): T {
    return watching(this, begin);
  }

  /** @internal */
  sent(socket: Socket): void {
    this.socket = socket;
    this.reused = used.has(socket);
    this.readBefore = socket.bytesRead;
    used.add(socket);
  }

  /** Whether any of the request may have gone out: until a connection is made, none has. */
  get wasSent(): boolean {
    return this.socket !== undefined;
  }

  /**
   * Whether some of what was to be sent may still be read from the memory it lies in: the system has not taken all of it. So it is
   * with what answers before it has read a request.
   */
  get hasBytesLeft(): boolean {
    return this.socket !== undefined && this.socket.writableLength > 0;
  }

  /**
   * True when the request went out on a connection that had been used before, and no byte of an answer came: the other side
   * had most likely closed it by then, as servers do with idle ones. It may have had the request all the same.
   */
  get endedBeforeAnswer(): boolean {
    return this.reused && this.endedUnanswered;
  }

  /** True when the request went out, and no byte of an answer came. */
  get endedUnanswered(): boolean {
    const { socket } = this;
    if (socket === undefined) return false;
    const came = socket.bytesRead - this.readBefore;
    return came <= ("encrypted" in socket && socket.encrypted === true ? MOST_OF_AN_ALERT : 0);
  }
}

function watching<T>(use: ConnectionUse, begin: () => T): T {
  listen();
  beginning = use;
  try {
    return begin();
  } finally {
    beginning = undefined;
  }
}

let listening = false;

function listen(): void {
  if (listening) return;
  listening = true;
  channel("undici:request:create").subscribe((message) => {
    if (beginning !== undefined) watched.set((message as { readonly request: object }).request, beginning);
  });
  channel("undici:client:sendHeaders").subscribe((message) => {
    const { request, socket } = message as SentHeaders;
    const use = watched.get(request);
    if (use === undefined) used.add(socket);
    else use.sent(socket);
  });
}
