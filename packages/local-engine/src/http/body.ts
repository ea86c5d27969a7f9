import type { IncomingMessage } from "node:http";
import { type JsonObject, ReplyError } from "./call.js";
import { isObject } from "./fields.js";

/**
 * Reads a request's body whole, and no further than the limit.
 *
 * @throws {ReplyError} 413; the connection is of no use afterwards
 */
export function readBody(request: IncomingMessage, limit: number): Promise<string> | string {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > limit) throw tooLarge(limit);
  if (announced === 0 && request.headers["transfer-encoding"] === undefined) return "";
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
      resolve((chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)).toString("utf8"));
    });
    request.on("error", reject);
    request.on("close", () => {
      reject(new Error("the client hung up"));
    });
  });
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

/**
 * The object in a body; an empty one where there is no body, or where it holds something else.
 *
 * @throws {ReplyError} 415 or 400
 */
export function parseBody(text: string, contentType: string | undefined): JsonObject {
  if (text === "") return {};
  if (!JSON_MEDIA_TYPE.test(contentType ?? "")) {
    throw new ReplyError(415, {
      message: "Request bodies must use a JSON media type.",
      reason: "unsupported_media_type",
      accepted_content_types: ["application/json", "application/*+json"],
    });
  }
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    throw new ReplyError(400, {
      message: "Request bodies must contain valid JSON.",
      reason: "malformed_json",
      json_error: "Syntax error",
    });
  }
}
