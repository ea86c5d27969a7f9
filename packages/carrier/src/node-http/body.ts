import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { CallerDisconnected } from "../activity/errors.js";
import { readProperty } from "../activity/read-property.js";
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
  const { stream, headers } = source;
  const isRead = stream.readableDidRead || stream.readableEnded;
  // Whether `data` and `end` come from somewhere else than the stream, which is at its end: so Vercel's helpers do it.
  const isPlayedBack = isRead && (Object.hasOwn(stream, "on") || Object.hasOwn(stream, "addListener"));
  const left = leftByOthers(source, isRead);
  // What a platform made of another media type is no task; what it plays back is.
  if (left !== undefined && !(isPlayedBack && !/json/i.test(headers["content-type"] ?? ""))) return left;
  if (!isRead || isPlayedBack) return readStream(stream, limitBytes, take, isPlayedBack);
  if (announcesBody(source)) throw consumed();
  return "";
}

function readStream(
  stream: Readable,
  limitBytes: number,
  take: (bytes: number) => boolean,
  isPlayedBack: boolean,
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
    // The request itself was over long ago: only what plays it back can say when it is done.
    const timer = isPlayedBack ? setTimeout(() => reject(consumed()), PLAYBACK_MS) : undefined;
    stream.on("data", add);
    stream.once("error", reject);
    stream.on("end", () => {
      clearTimeout(timer);
      resolve(parseAroundBlob(chunks, size) ?? (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
    });
    if (isPlayedBack) return;
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
function leftByOthers(source: BodySource, isRead: boolean): InvocableRequestBody | undefined {
  const { stream, left = stream, headers } = source;
  const rawBody = readProperty(left, "rawBody");
  if (rawBody instanceof Uint8Array || (typeof rawBody === "string" && rawBody !== "")) return rawBody;
  const body = isRead ? readProperty(left, "body") : undefined;
  if (typeof body === "string") return body || undefined;
  if (typeof body !== "object" || body === null) return undefined;
  // Body parsers leave an empty object too where they read nothing that they know.
  const isEmpty = !(body instanceof Uint8Array) && Object.keys(body).length === 0;
  return isEmpty && announcesBody(source) && headers["content-length"] !== "2" ? undefined : body;
}

function announcesBody({ headers }: BodySource): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
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
