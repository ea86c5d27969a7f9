/**
 * Start, follow and cancel activities on a Durable Workflow engine. `/testing` has a client without an engine, `/undici` a
 * transport for proxies and certificates of one's own.
 */

// Code is passed on as a whole: bundlers that split code load, with a door that names what it passes on, all that is used of
// it anywhere.
export * from "@durable-workflow/carrier/contract";
export * from "./client.js";
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
export * from "./errors/client-error.js";
export * from "./errors/outcome-error.js";
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
export * from "./transport/fetch.js";
export * from "./transport/transport.js";
