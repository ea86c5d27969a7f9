import type { InvocableHttpEndpoint } from "../http/endpoint.js";
import { dropRest } from "./body.js";
import { printAroundBlob } from "./large-blobs.js";
import { type NodeRequestParts, toInvocableRequest } from "./message.js";
import type { NodeRequest, NodeResponse } from "./types.js";

/** Answers a request of Node's. Whatever fails before anything was sent is given to `next`, else ends the connection. */
export function answerNodeRequest(
  endpoint: InvocableHttpEndpoint,
  request: NodeRequest,
  response: NodeResponse,
  { next, ...parts }: NodeRequestParts & { readonly next?: ((error?: unknown) => void) | undefined } = {},
): void {
  let printed: Uint8Array | undefined;
  endpoint
    .handle({
      print(document) {
        printed = printAroundBlob(document);
        return printed === undefined ? JSON.stringify(document) : "";
      },
      ...toInvocableRequest(request, response, parts),
    })
    .then(({ statusCode, headers, body }) => {
      if (response.destroyed) return;
      response.statusCode = statusCode;
      for (const name in headers) response.setHeader(name, headers[name]!);
      const content = printed ?? body;
      response.setHeader("content-length", Buffer.byteLength(content));
      response.end(content);
      dropRest(request);
    })
    .catch((error: unknown) => {
      if (next === undefined) response.destroy();
      else next(error);
    });
}
