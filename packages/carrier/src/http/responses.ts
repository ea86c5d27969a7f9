import { EXTERNAL_TASK_RESULT_MEDIA_TYPE, INVALID_INVOCABLE_REQUEST } from "../protocol/constants.js";
import type { InvocableResultEnvelope } from "../protocol/wire.js";
import { InvocableHttpResponse } from "./message.js";

const RESULT_HEADERS = Object.freeze({ "content-type": EXTERNAL_TASK_RESULT_MEDIA_TYPE, "cache-control": "no-store" });
const JSON_HEADERS = Object.freeze({ "content-type": "application/json", "cache-control": "no-store" });

/** `error` of an answer that is no result envelope. Stable: callers may branch on it. */
export type InvocableHttpErrorCode =
  | typeof INVALID_INVOCABLE_REQUEST // 400: no task could be read
  | "unauthorized" // 401: the gate said no
  | "origin_refused" // 403: a browser's request, and no gate
  | "method_not_allowed" // 405
  | "payload_too_large" // 413
  | "unsupported_content_encoding"; // 415: a compressed body

export function resultResponse(envelope: InvocableResultEnvelope): InvocableHttpResponse {
  return new InvocableHttpResponse(200, RESULT_HEADERS, JSON.stringify(envelope));
}

function errorResponse(
  statusCode: number,
  error: InvocableHttpErrorCode,
  message: string,
  headers?: Readonly<Record<string, string>>,
): InvocableHttpResponse {
  const all = headers === undefined ? JSON_HEADERS : { ...JSON_HEADERS, ...headers };
  return new InvocableHttpResponse(statusCode, all, JSON.stringify({ error, message }));
}

export function invalidRequest(message: string): InvocableHttpResponse {
  return errorResponse(400, INVALID_INVOCABLE_REQUEST, message);
}

export function unauthorized(challenge: string): InvocableHttpResponse {
  return errorResponse(401, "unauthorized", "This endpoint needs valid credentials.", {
    "www-authenticate": challenge,
  });
}

export function originRefused(): InvocableHttpResponse {
  const message = "Without an authentication gate, requests with an Origin header (from browsers) are refused.";
  return errorResponse(403, "origin_refused", message);
}

export function methodNotAllowed(allowed: string): InvocableHttpResponse {
  const message = `Only ${allowed} is allowed here.`;
  return errorResponse(405, "method_not_allowed", message, { allow: allowed });
}

export function tooLarge(limitBytes: number): InvocableHttpResponse {
  return errorResponse(413, "payload_too_large", `The request body is over the limit of ${limitBytes} bytes.`);
}

export function unsupportedContentEncoding(): InvocableHttpResponse {
  const message = "The request body must be sent without a Content-Encoding.";
  return errorResponse(415, "unsupported_content_encoding", message);
}

export function healthy(carrier: string): InvocableHttpResponse {
  return new InvocableHttpResponse(200, JSON_HEADERS, JSON.stringify({ status: "ok", carrier }));
}
