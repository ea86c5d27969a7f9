import type { InvocableHttpRequest } from "../http/message.js";
import { type BodySource, readBody } from "./body.js";
import { DisconnectSignal } from "./disconnect-signal.js";
import { headersOf } from "./headers.js";
import type { NodeRequest, NodeResponse } from "./types.js";

/** What a framework knows beside the request itself. */
export interface NodeRequestParts {
  /** Where the body is. Default: in the request. */
  readonly source?: BodySource;
  /** What reads the body, in place of `source`. */
  readonly body?: InvocableHttpRequest["body"];
  readonly values?: InvocableHttpRequest["values"];
}

/** A request of Node's at the seam; a client that goes away before the response was ended aborts the run. */
export function toInvocableRequest(
  request: NodeRequest,
  response: NodeResponse,
  { source = { stream: request, headers: request.headers }, body, values }: NodeRequestParts = {},
): InvocableHttpRequest {
  const signal = new DisconnectSignal();
  response.once("close", () => {
    if (!response.writableEnded) signal.abort();
  });
  return {
    method: request.method ?? "",
    headers: headersOf(request),
    body: body ?? ((limitBytes, take) => readBody(source, limitBytes, take)),
    signal,
    values,
  };
}
