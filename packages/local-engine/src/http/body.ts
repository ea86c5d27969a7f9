import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { type JsonObject, ReplyError } from "./call.js";
import { isObject } from "./fields.js";

/**
 * Reads a request's body whole, and no further than the limit.
 *
 * @throws {ReplyError} 413; the connection is of no use afterwards
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> | Buffer {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > limit) throw tooLarge(limit);
  if (announced === 0 && request.headers["transfer-encoding"] === undefined) return NO_BYTES;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        request.pause();
        reject(tooLarge(limit));
        return;
      }
      chunks.push(chunk);
    });
    request.on("end", () => {
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    request.on("error", reject);
    request.on("close", () => {
      reject(new Error("the client hung up"));
    });
  });
}

const NO_BYTES = Buffer.alloc(0);

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
  readonly text: string;
  /** Empty where there is no body, or where it holds something else. */
  readonly object: JsonObject;
}

/**
 * The object in a body.
 *
 * @throws {ReplyError} 415 or 400
 */
export function parseBody(bytes: Buffer, contentType: string | undefined): ParsedBody {
  if (bytes.length === 0) return { text: "", object: {} };
  if (!JSON_MEDIA_TYPE.test(contentType ?? "")) {
    throw new ReplyError(415, {
      message: "Request bodies must use a JSON media type.",
      reason: "unsupported_media_type",
      accepted_content_types: ["application/json", "application/*+json"],
    });
  }
  // Decoding would put other characters in the place of those that are none.
  if (!isUtf8(bytes)) throw malformed("Malformed UTF-8 characters");
  const text = bytes.toString("utf8");
  try {
    const value: unknown = JSON.parse(text);
    return { text, object: isObject(value) ? value : {} };
  } catch {
    throw malformed("Syntax error");
  }
}

function malformed(error: string): ReplyError {
  return new ReplyError(400, {
    message: "Request bodies must contain valid JSON.",
    reason: "malformed_json",
    json_error: error,
  });
}
