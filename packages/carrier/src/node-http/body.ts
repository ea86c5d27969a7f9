import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { CallerDisconnected } from "../activity/errors.js";
import { InvocableBodyError } from "../http/body-error.js";
import type { InvocableRequestBody } from "../http/message.js";
import { parseAroundBlob } from "./large-blobs.js";

/** Of a body that was refused, what is read and dropped before the connection is given up: 64 MiB. */
const MOST_DROPPED_BYTES = 64 * 1024 * 1024;
/** How long a body that a platform plays back may take to begin to: it lies in memory already. */
const PLAYBACK_MS = 1000;

/** Where a request's body may be. */
export interface BodySource {
  readonly stream: Readable;
  readonly headers: IncomingHttpHeaders;
  /** Whose `rawBody` and `body` hold what something before has read. Default: the stream. */
  readonly left?: object;
}

/** @throws {InvocableBodyError} (as a rejection) where something before has read the body and left nothing */
export async function readBody(
  source: BodySource,
  limitBytes: number,
  take: (bytes: number) => boolean,
): Promise<InvocableRequestBody | undefined> {
  const { stream } = source;
  const left = leftByOthers(source);
  // What a platform made of another media type is no task; what it plays back is.
  const isForeign = left !== undefined && isRead(stream) && isPlayedBack(stream) && !announcesJson(source);
  if (left !== undefined && !isForeign) return left;
  if (!isRead(stream)) return readStream(stream, limitBytes, take, false);
  if (isPlayedBack(stream)) return readStream(stream, limitBytes, take, true);
  if (!announcesBody(source)) return "";
  throw consumed();
}

function isRead(stream: Readable): boolean {
  return stream.readableDidRead || stream.readableEnded;
}

function readStream(
  stream: Readable,
  limitBytes: number,
  take: (bytes: number) => boolean,
  playedBack: boolean,
): Promise<InvocableRequestBody | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const add = (chunk: Buffer | string): void => {
      // Text, where something before has set an encoding.
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      size += bytes.length;
      if (size <= limitBytes && take(bytes.length)) {
        chunks.push(bytes);
        return;
      }
      stream.off("data", add);
      resolve(undefined);
    };
    stream.on("data", add);
    stream.once("error", reject);
    const done = (): void => {
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size);
      resolve(parseAroundBlob(bytes) ?? bytes);
    };
    if (playedBack) {
      // The request itself was over long ago: only what plays it back can say when it is done.
      const timer = setTimeout(() => reject(consumed()), PLAYBACK_MS);
      stream.on("end", () => {
        clearTimeout(timer);
        done();
      });
      return;
    }
    stream.once("end", done);
    const gone = (): void => {
      // Every request is closed some time; only one that was not read to its end is an error worth making.
      if (!stream.readableEnded) reject(new CallerDisconnected());
    };
    stream.once("close", gone);
    // There is no event to come if the client left while the gate was thinking.
    if (stream.destroyed) gone();
  });
}

/** What a platform or a body parser before us has left. The raw body counts first: it is what was sent. */
function leftByOthers(source: BodySource): InvocableRequestBody | undefined {
  const { stream, left = stream, headers } = source;
  const rawBody = property(left, "rawBody");
  if (rawBody instanceof Uint8Array || (typeof rawBody === "string" && rawBody !== "")) return rawBody;
  if (!isRead(stream)) return undefined;
  const body = property(left, "body");
  if (typeof body === "string") return body === "" ? undefined : body;
  if (typeof body !== "object" || body === null) return undefined;
  // Body parsers leave an empty object too where they read nothing that they know.
  const isEmpty = !(body instanceof Uint8Array) && Object.keys(body).length === 0;
  return isEmpty && announcesBody(source) && headers["content-length"] !== "2" ? undefined : body;
}

/** A property that frameworks may have put there; their getters may throw. */
function property(left: object, name: string): unknown {
  try {
    return (left as Readonly<Record<string, unknown>>)[name];
  } catch {
    return undefined;
  }
}

/** Whether `data` and `end` come from somewhere else than the stream, which is at its end: so Vercel's helpers do it. */
function isPlayedBack(stream: Readable): boolean {
  return Object.hasOwn(stream, "on") || Object.hasOwn(stream, "addListener");
}

function announcesJson({ headers }: BodySource): boolean {
  return /json/i.test(headers["content-type"] ?? "");
}

function announcesBody({ headers }: BodySource): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && Number(length) !== 0);
}

function consumed(): InvocableBodyError {
  return new InvocableBodyError(
    "consumed",
    "The request body was read before this adapter, which must come before body parsers.",
  );
}

/** What the client still sends of a body that was refused is read and dropped, so that it reads the answer; but not without end. */
export function dropRest(stream: Readable): void {
  if (stream.readableEnded || stream.destroyed) return;
  let dropped = 0;
  stream.on("data", (chunk: Buffer | string) => {
    dropped += chunk.length;
    if (dropped > MOST_DROPPED_BYTES) stream.destroy();
  });
  stream.resume();
}
