import type { IncomingMessage, ServerResponse } from "node:http";
import { deflateSync, gzipSync } from "node:zlib";
import { printAround } from "@durable-workflow/carrier/protocol";
import {
  CONTROL_PLANE_VERSION,
  CONTROL_PLANE_VERSION_HEADER,
  type InProcessAnswer,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_HEADER,
} from "@durable-workflow/engine-protocol";
import { jsonAround, LongPayload } from "../long-payload.js";
import { dropBody } from "./body.js";
import type { Plane, Reply } from "./call.js";
import { LentMemory } from "./lent-memory.js";

/** Smaller bodies cost more to compress than to send to a neighbour. */
const COMPRESS_FROM_BYTES = 16_384;
/** From here on a payload goes past the printer of JSON. */
const LARGE_BLOB_LENGTH = 16_384;

/** Writes replies: JSON, with what each plane adds to all of its own. */
export class Responses {
  /** What every body of the worker plane has. */
  private readonly common: object;
  /** The same, as the end of the text. */
  private readonly workerEnd: string;
  private readonly memory = new LentMemory();

  constructor(serverCapabilities: unknown) {
    const common = { protocol_version: PROTOCOL_VERSION, server_capabilities: serverCapabilities };
    this.common = common;
    this.workerEnd = `,${JSON.stringify(common).slice(1)}`;
  }

  /** A reply to this process, which no connection comes between. */
  inProcess(plane: Plane, reply: Reply): InProcessAnswer {
    const { status, headers } = reply;
    const body = this.print(reply, plane === "worker" && !isBareError(reply));
    if (headers === undefined) return { status, headers: NO_HEADERS, body };
    const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
    return { status, headers: Object.fromEntries(named), body };
  }

  send(request: IncomingMessage, response: ServerResponse, plane: Plane, reply: Reply): void {
    if (response.destroyed || response.headersSent) return;
    const { status, headers } = reply;
    const isBare = isBareError(reply);
    let lent: Buffer | undefined;
    const whole = this.print(reply, plane === "worker" && !isBare, (size) => (lent = this.memory.lend(size)));
    const own = isBare ? HEADERS.open : HEADERS[plane];
    const head = headers === undefined ? [...own.list] : listOf({ ...own.record, ...headers });
    let bytes: Uint8Array | string = whole;
    if (whole.length >= COMPRESS_FROM_BYTES) {
      head.push("Vary", "Accept-Encoding");
      const accepted = request.headers["accept-encoding"] ?? "";
      if (/\bgzip\b/.test(accepted)) {
        head.push("Content-Encoding", "gzip");
        bytes = gzipSync(whole);
      } else if (/\bdeflate\b/.test(accepted)) {
        head.push("Content-Encoding", "deflate");
        bytes = deflateSync(whole);
      }
      // Text is written twice as fast once it is bytes.
      if (typeof bytes === "string") bytes = Buffer.from(bytes);
    }
    const length = Buffer.byteLength(bytes);
    head.push("Content-Length", String(length));
    response.writeHead(status, head);
    // ASCII goes out as it is.
    const encoding = length === bytes.length ? "latin1" : "utf8";
    if (lent !== undefined) this.takeBack(response, lent, whole);
    if (request.method === "HEAD") response.end();
    else if (headers?.["Connection"] === "close" && !request.complete) {
      // The answer is whole, and the connection stays until the client has said what it had to say.
      response.write(bytes, encoding);
      void dropBody(request).then(() => response.end());
    } else response.end(bytes, encoding);
  }

  /** The memory of an answer, once all of it is with the system: an answer that is cut off has it for good. */
  private takeBack(response: ServerResponse, lent: Buffer, whole: string | Uint8Array): void {
    if (typeof whole === "string") this.memory.giveBack(lent);
    else {
      response.once("finish", () => {
        if (response.errored == null && response.socket?.destroyed === false) this.memory.giveBack(lent);
      });
    }
  }

  private print(
    { body, blob }: Reply,
    isOfWorkers: boolean,
    memory?: (size: number) => Uint8Array,
  ): string | Uint8Array {
    const written = blob instanceof LongPayload ? this.printLong(body, blob, isOfWorkers, memory) : undefined;
    if (written !== undefined) return written;
    const isLarge = typeof blob === "string" && blob.length >= LARGE_BLOB_LENGTH;
    const printed = isLarge ? printAround(isOfWorkers ? { ...body, ...this.common } : body, blob, memory) : undefined;
    if (printed !== undefined) return printed;
    return this.ended(JSON.stringify(body), isOfWorkers);
  }

  /** A document with a long payload, whose text is written where it belongs. */
  private printLong(
    body: object,
    payload: LongPayload,
    isOfWorkers: boolean,
    memory: (size: number) => Uint8Array = (size) => new Uint8Array(size),
  ): Uint8Array | undefined {
    const around = jsonAround(body, payload);
    if (around === undefined) return undefined;
    const head = Buffer.from(around[0]);
    const tail = Buffer.from(this.ended(around[1], isOfWorkers));
    const end = head.length + payload.length;
    const lent = memory(end + tail.length);
    const bytes = Buffer.from(lent.buffer, lent.byteOffset, end + tail.length);
    bytes.set(head);
    payload.writeText(bytes.subarray(head.length, end));
    bytes.set(tail, end);
    // Those whose poll this is a repeat of get it, too: in this turn of the event loop.
    setImmediate(() => {
      payload.release();
    });
    return bytes;
  }

  private ended(json: string, isOfWorkers: boolean): string {
    return isOfWorkers ? json.slice(0, -1) + this.workerEnd : json;
  }
}

/** A server error says nothing but that, as the engine's. */
function isBareError({ status, body }: Reply): boolean {
  return status === 500 && !("reason" in body);
}

const NO_HEADERS = {};

interface Headers {
  readonly record: Readonly<Record<string, string>>;
  /** Names and values in turn: so Node writes them with the least ado. */
  readonly list: readonly string[];
}

const HEADERS: Readonly<Record<Plane, Headers>> = {
  worker: headersWith({ [PROTOCOL_VERSION_HEADER]: PROTOCOL_VERSION }),
  control: headersWith({ [CONTROL_PLANE_VERSION_HEADER]: CONTROL_PLANE_VERSION }),
  open: headersWith({}),
};

function headersWith(version: Readonly<Record<string, string>>): Headers {
  const record = {
    "Cache-Control": "no-cache, private",
    "Content-Type": "application/json",
    "X-Content-Type-Options": "nosniff",
    ...version,
  };
  return { record, list: listOf(record) };
}

function listOf(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flat();
}
