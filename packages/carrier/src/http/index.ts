export { type BearerTokens, bearerToken, type InvocableAuthGate } from "./auth.js";
export { InvocableBodyError, type InvocableBodyProblem, isInvocableBodyError } from "./body-error.js";
export { handleInvocableHttpRequest, type InvocableHandlers, InvocableHttpEndpoint } from "./endpoint.js";
export {
  type ActivityManifest,
  type AdapterOptions,
  DEFAULT_BODY_LIMIT_BYTES,
  DEFAULT_CONCURRENT_BODY_BYTES,
  DEFAULT_CONCURRENT_TASKS,
  type InvocableHttpOptions,
} from "./endpoint-options.js";
export * from "./message.js";
export type { InvocableHttpErrorCode } from "./responses.js";
