import type { TransportRequest, TransportResponse } from "./transport/transport.js";

/**
 * Stands around every request, the first of a list outermost: to add a header such as `traceparent`, to measure, to log.
 *
 * ```ts
 * const traced: ClientInterceptor = (request, next) =>
 *   next({ ...request, headers: { ...request.headers, traceparent: currentTraceParent() } });
 * ```
 */
export type ClientInterceptor = (
  request: TransportRequest,
  next: (request: TransportRequest) => Promise<TransportResponse>,
) => Promise<TransportResponse>;
