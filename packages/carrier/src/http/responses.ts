import { EXTERNAL_TASK_RESULT_MEDIA_TYPE, INVALID_INVOCABLE_REQUEST } from "../protocol/constants.js";
import { InvocableHttpResponse } from "./message.js";

/** `error` of an answer that is no result envelope, by its status. Stable: callers may branch on it. */
const ERRORS = {
  400: INVALID_INVOCABLE_REQUEST, // no task could be read
  401: "unauthorized", // the gate said no
  403: "origin_refused", // a browser's request, and no gate
  405: "method_not_allowed",
  413: "payload_too_large",
  415: "unsupported_content_encoding", // compressed
  500: "request_body_unavailable", // something before the adapter has the body, or lost it
  502: "handler_failed", // the handler rejected: one of yours, an injected clock, or a part of this library that could not be loaded
  503: "overloaded", // too many tasks, or bytes of bodies, at once
} as const;

export type InvocableHttpErrorCode = (typeof ERRORS)[keyof typeof ERRORS];

type Headers = Readonly<Record<string, string>>;

/** A 200 with a result envelope. */
export function okResponse(
  result: object,
  print: (document: object) => string = JSON.stringify,
): InvocableHttpResponse {
  return new InvocableHttpResponse(200, { "content-type": EXTERNAL_TASK_RESULT_MEDIA_TYPE }, print(result));
}

export function errorResponse(
  statusCode: keyof typeof ERRORS,
  message: string,
  headers?: Headers,
): InvocableHttpResponse {
  return respond(statusCode, { error: ERRORS[statusCode], message }, "application/json", headers);
}

/** @param document undefined for no body */
export function respond(
  statusCode: number,
  document: object | undefined,
  mediaType: string,
  headers?: Headers,
): InvocableHttpResponse {
  const all = { "content-type": mediaType, ...headers };
  return new InvocableHttpResponse(statusCode, all, document === undefined ? "" : JSON.stringify(document));
}
