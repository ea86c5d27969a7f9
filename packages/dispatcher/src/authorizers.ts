/**
 * Makes requests to carriers acceptable to what stands before them: given to `createDispatcher({ authorizers })` by `auth_ref`,
 * or read from the file of `dw-carrier dispatch --authorizers`.
 */
export { allOf } from "./authorizers/all-of.js";
export {
  type AwsCredentialSources,
  type AwsCredentials,
  type AwsSigV4Options,
  awsSigV4,
} from "./authorizers/aws-sigv4.js";
export type { CommonOptions } from "./authorizers/common.js";
export { type LoadAuthorizersOptions, loadAuthorizers } from "./authorizers/file.js";
export { type GoogleIdTokenOptions, googleIdToken } from "./authorizers/google-id-token.js";
export { type HeaderSource, type HeadersFromOptions, headersFrom } from "./authorizers/headers-from.js";
export type { SecretSource } from "./authorizers/secret-source.js";
export { type Authorization, type Authorizer, AuthorizerError, type AuthorizerRequest } from "./delivery/authorizer.js";
