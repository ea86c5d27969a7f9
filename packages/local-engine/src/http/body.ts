import { isAscii, isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { scanJson, TOO_DEEP, TOO_MANY } from "@durable-workflow/carrier/protocol";
import { ScratchMemory } from "../scratch-memory.js";
import { type JsonObject, ReplyError } from "./call.js";
import { isObject } from "./fields.js";
import { DEEPEST_JSON, MOST_KEYS, MOST_VALUES } from "./json-limits.js";
import { payloadOfBase64 } from "./long-blob.js";
import {
  aroundLongText,
  canHoldLongText,
  holdsControls,
  isBlobOf,
  isPayloadWith,
  type LongText,
  longMemory,
} from "./long-text.js";

/** What is dropped of a body that was refused: a client that sends it whole before it reads sees its answer. */
const MOST_DROPPED_BYTES = 67_108_864;
const LONGEST_DROP_MS = 10_000;
/** A client that sends nothing for so long has read its answer, or never will. */
const LONGEST_PAUSE_MS = 1000;

/** Whether a body is refused by what is announced of it. */
export function isAnnouncedTooLarge({ headers }: IncomingMessage, limit: number): boolean {
  return Number(headers["content-length"] ?? 0) > limit;
}

/** Its client waits to be told that it may send, and was not. */
const heldBack = new WeakSet<IncomingMessage>();

export function holdBack(request: IncomingMessage): void {
  heldBack.add(request);
}

/**
 * Reads what is left of a request and drops it, up to 64 MiB, for at most ten seconds and no longer than it comes: a
 * connection that is closed over bytes nobody has read takes the answer with it.
 */
export function dropBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed || heldBack.has(request)) return Promise.resolve();
  return new Promise((resolve) => {
    let dropped = 0;
    const finish = (): void => {
      clearTimeout(whole);
      clearTimeout(pause);
      resolve();
    };
    const whole = setTimeout(finish, LONGEST_DROP_MS);
    const pause = setTimeout(finish, LONGEST_PAUSE_MS);
    request.removeAllListeners("data");
    request.on("data", (chunk: Buffer) => {
      dropped += chunk.length;
      pause.refresh();
      if (dropped > MOST_DROPPED_BYTES) finish();
    });
    request.once("end", finish);
    request.once("error", finish);
    request.once("close", finish);
    request.resume();
  });
}

/**
 * Reads a request's body whole, in the pieces that it comes in, and no further than the limit.
 *
 * @throws {ReplyError} 413; the connection is of no use afterwards; 415 for a body that is compressed
 */
export function readBody(request: IncomingMessage, limit: number): Promise<readonly Buffer[]> | readonly Buffer[] {
  if (isAnnouncedTooLarge(request, limit)) throw tooLarge(limit);
  if (Number(request.headers["content-length"] ?? 0) === 0 && request.headers["transfer-encoding"] === undefined)
    return NOTHING;
  refuseEncoded(request.headers["content-encoding"]);
  return new Promise((resolve, reject) => {
    // The request lives as long as its answer is waited for, and these listeners with it: of the body they hold nothing then.
    let reading: Reading | undefined = { chunks: [], size: 0, resolve, reject };
    request.on("data", (chunk: Buffer) => {
      if (reading === undefined) return;
      reading.size += chunk.length;
      if (reading.size > limit) {
        request.pause();
        reading.reject(tooLarge(limit));
      } else reading.chunks.push(chunk);
    });
    request.on("end", () => {
      reading?.resolve(reading.chunks);
      reading = undefined;
    });
    request.on("error", (error) => reading?.reject(error));
    // Every request ends with this event, and an error costs as much as all the rest of it.
    request.on("close", () => reading?.reject(new Error("the client hung up")));
  });
}

/** A body of which there may be more. */
interface Reading {
  readonly chunks: Buffer[];
  size: number;
  readonly resolve: (chunks: readonly Buffer[]) => void;
  readonly reject: (error: unknown) => void;
}

const NOTHING: readonly Buffer[] = [];

/** Compressed, a body can hold a thousand times what its length says. */
function refuseEncoded(encoding: string | undefined): void {
  if (encoding === undefined || /^\s*(?:identity)?\s*$/i.test(encoding)) return;
  const message = "Request bodies must not be compressed: send them without Content-Encoding.";
  throw new ReplyError(415, { message, reason: "unsupported_media_type" }, { "Accept-Encoding": "identity" });
}

function tooLarge(limit: number): ReplyError {
  return new ReplyError(
    413,
    {
      message: `Request payload exceeds the maximum allowed size of ${limit} bytes.`,
      reason: "payload_too_large",
      limit,
    },
    { Connection: "close" },
  );
}

const JSON_MEDIA_TYPE = /^application\/(?:json|[a-z0-9.!#$&^_-]+\+json)\s*(?:;|$)/i;

export interface ParsedBody {
  /** Without its long text, where that is apart. */
  readonly text: string;
  /** Empty where there is no body, or where it holds something else. */
  readonly object: JsonObject;
  /** A text that is apart: the object has a mark in its place. */
  readonly long?: LongText | undefined;
}

/**
 * The object in a body.
 *
 * @param payload the property in which a long text may be left apart. Default: none
 * @throws {ReplyError} 415 or 400
 */
export function parseBody(chunks: readonly Buffer[], contentType: string | undefined, payload?: string): ParsedBody {
  if (chunks.every(({ length }) => length === 0)) return { text: "", object: {} };
  if (!JSON_MEDIA_TYPE.test(contentType ?? "")) {
    throw new ReplyError(415, {
      message: "Request bodies must use a JSON media type.",
      reason: "unsupported_media_type",
      accepted_content_types: ["application/json", "application/*+json"],
    });
  }
  const size = chunks.reduce((sum, { length }) => sum + length, 0);
  const apart = payload !== undefined && canHoldLongText(size) ? parseApart(chunks, size, payload) : undefined;
  return apart ?? parseText(textOf(joined(chunks, size)));
}

/** A body with a long text in the payload that it brings; undefined for any other, and for one that is to be refused. */
function parseApart(chunks: readonly Buffer[], size: number, payload: string): ParsedBody | undefined {
  const memory = longMemory.lend(size);
  const giveBack = (): void => {
    longMemory.giveBack(memory);
  };
  const around = aroundLongText(copied(chunks, memory.subarray(0, size)), giveBack);
  const object = around === undefined ? undefined : objectOf(around.marked);
  const long = around === undefined || object === undefined ? undefined : longIn(object[payload], around.long);
  // The memory stays with the payload.
  if (around !== undefined && object !== undefined && long !== undefined) return { text: around.text, object, long };
  giveBack();
  return undefined;
}

/** The long text where a payload brings it; undefined where it stands elsewhere, or is none that JSON has. */
function longIn(value: unknown, long: LongText): LongText | undefined {
  if (isBlobOf(value, long)) {
    // It has no control characters then, and looking for them takes as long as decoding.
    const payload = payloadOfBase64(long);
    if (payload !== undefined) return { ...long, payload };
  }
  const { body, begin, end } = long;
  return isPayloadWith(value, long) && !holdsControls(body.subarray(begin, end)) ? long : undefined;
}

function objectOf(text: string): JsonObject | undefined {
  try {
    return parseText(text).object;
  } catch {
    return undefined;
  }
}

const scratch = new ScratchMemory();

/** All pieces in one. Valid until the next call. */
function joined(chunks: readonly Buffer[], size: number): Buffer {
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : copied(chunks, scratch.take(size));
}

function copied(chunks: readonly Buffer[], target: Buffer): Buffer {
  let at = 0;
  for (const chunk of chunks) {
    target.set(chunk, at);
    at += chunk.length;
  }
  return target;
}

/**
 * The same for a document of this process, which came as text, or as bytes.
 *
 * @throws {ReplyError} 413 or 400
 */
export function parseDocument(document: string | Uint8Array | undefined, limit: number, payload?: string): ParsedBody {
  if (document === undefined || document.length === 0) return { text: "", object: {} };
  if (document.length > limit || Buffer.byteLength(document) > limit) throw tooLarge(limit);
  if (typeof document === "string") return parseText(document);
  return parseBody(
    [Buffer.from(document.buffer, document.byteOffset, document.byteLength)],
    "application/json",
    payload,
  );
}

function parseText(text: string): ParsedBody {
  // The outermost value counts, too. A text no longer than it may be deep is neither too deep nor holds too much.
  const values = text.length <= DEEPEST_JSON ? 0 : scanJson(text, DEEPEST_JSON, MOST_VALUES - 1, MOST_KEYS);
  if (values === TOO_DEEP) throw malformed("Maximum stack depth exceeded");
  if (values === TOO_MANY) throw tooManyValues();
  try {
    const value: unknown = JSON.parse(text);
    return { text, object: isObject(value) ? value : {} };
  } catch {
    throw malformed("Syntax error");
  }
}

/** Most bodies are ASCII, which is copied as it is. */
function textOf(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString("latin1");
  // Decoding would put other characters in the place of those that are none.
  if (!isUtf8(bytes)) throw malformed("Malformed UTF-8 characters");
  return bytes.toString("utf8");
}

function tooManyValues(): ReplyError {
  return new ReplyError(413, {
    message: `Request payload has more than ${MOST_VALUES} JSON values, or more than ${MOST_KEYS} properties.`,
    reason: "payload_too_large",
    limit: MOST_VALUES,
  });
}

function malformed(error: string): ReplyError {
  return new ReplyError(400, {
    message: "Request bodies must contain valid JSON.",
    reason: "malformed_json",
    json_error: error,
  });
}
