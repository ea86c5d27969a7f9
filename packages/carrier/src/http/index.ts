export { type BearerTokens, bearerToken, type InvocableAuthGate } from "./auth.js";
export {
  DEFAULT_BODY_LIMIT_BYTES,
  handleInvocableHttpRequest,
  type InvocableHandlers,
  InvocableHttpEndpoint,
  type InvocableHttpOptions,
} from "./endpoint.js";
export * from "./message.js";
export type { InvocableHttpErrorCode } from "./responses.js";
