/**
 * Start, follow and cancel activities on a Durable Workflow engine. `/testing` has a client without an engine, `/undici` a
 * transport for proxies and certificates of one's own.
 */
export {
  type ActivityContract,
  type ActivityInput,
  type ArgumentListSchema,
  type ArgumentSchemas,
  activityContract,
  activityRef,
  type ContractArgs,
  type ContractOf,
  type ContractResult,
  type InputArguments,
  type NameOf,
  type RetryDefaults,
  type SchemaIssue,
  type SchemaOutput,
  type SchemaResult,
  type StandardSchema,
  type StartDefaults,
  type TypedActivity,
} from "@durable-workflow/carrier/contract";
export { createClient } from "./client.js";
export type {
  ActivitiesIn,
  ActivityLike,
  ArgsOf,
  Arrived,
  Client,
  ExecuteOptions,
  ManyOptions,
  ManyOutcome,
  ResultOf,
  StartItem,
  StartOptions,
  TypedClient,
} from "./client-types.js";
export { ClientError, type ClientErrorCode, type ClientErrorOptions, isClientError } from "./errors/client-error.js";
export { ActivityOutcomeError, isActivityOutcomeError } from "./errors/outcome-error.js";
export type {
  ActivityDescription,
  ActivityHandle,
  ActivityOutcome,
  ActivityStatus,
  ActivitySummary,
  CallOptions,
  CompletedOutcome,
  FailedOutcome,
  ListQuery,
  RemoteFailure,
  WaitOptions,
} from "./handle.js";
export type { ClientInterceptor } from "./interceptor.js";
export type { ClientOptions } from "./options.js";
export {
  type FetchAnswer,
  type FetchInit,
  type FetchLike,
  type FetchTransportOptions,
  fetchTransport,
} from "./transport/fetch.js";
export {
  isTransportFailure,
  type Transport,
  TransportFailure,
  type TransportFailureKind,
  type TransportRequest,
  type TransportResponse,
} from "./transport/transport.js";
