/**
 * The seam between a platform and a carrier, for adapters of one's own: one request in, one response out.
 */
export { InvocableBodyError, type InvocableBodyProblem, isInvocableBodyError } from "./body-error.js";
export { type InvocableHandlers, InvocableHttpEndpoint } from "./endpoint.js";
export type { InvocableHttpOptions } from "./endpoint-options.js";
export type {
  InvocableHttpRequest,
  InvocableHttpResponse,
  InvocableRequestBody,
  InvocableRequestHead,
} from "./message.js";
