/**
 * Host Durable Workflow activities behind HTTP or a serverless function. What not every carrier needs has a subpath of its
 * own: adapters (`@durable-workflow/carrier/fetch`, `/node`, `/lambda`; `/http` for one of your own), `/heartbeat`, `/idempotency`, `/storage`,
 * `/payload`, `/protocol`, `/testing`, `/opentelemetry`.
 */
export type { CallerSignal } from "./activity/caller-signal.js";
export type { Clock } from "./activity/clock.js";
export type { ActivityContext, ActivityDeadlines, ActivityInfo, ActivityLease } from "./activity/context.js";
export { type ContextKey, createContextKey } from "./activity/context-values.js";
export {
  type ActivityDefinition,
  type ActivityRunFunction,
  defineActivity,
  isActivityDefinition,
} from "./activity/definition/define-activity.js";
export {
  type ActivityInterceptor,
  type ActivityInterceptors,
  type ActivityNext,
  interceptWith,
} from "./activity/definition/interceptor.js";
export { loggingInterceptor } from "./activity/definition/logging-interceptor.js";
export type { ActivityFunction, ActivityHandler, ActivityHandlers } from "./activity/definition/registry.js";
export type { ActivityInput, StandardSchema } from "./activity/definition/standard-schema.js";
export type { ActivityValidationError, ValidationIssue } from "./activity/definition/validation.js";
export {
  type ActivityAbortReason,
  ActivityCancelled,
  ActivityFailure,
  type ActivityFailureOptions,
  AttemptClosed,
  CallerDisconnected,
  CarrierShutdown,
  ExternalTaskDeadlineExceeded,
  isActivityCancelled,
  isActivityFailure,
  isActivityValidationError,
  isAttemptClosed,
  isCallerDisconnected,
  isCarrierShutdown,
  isExternalTaskDeadlineExceeded,
  isNonRetryable,
  NonRetryableError,
} from "./activity/errors.js";
export {
  handleInvocableActivity,
  InvocableActivityHandler,
  type InvocableActivityHandlerOptions,
  isInvocableActivityHandler,
} from "./activity/handler.js";
export type { HeartbeatSource } from "./activity/heartbeat/part.js";
export type { ActivityIdempotency } from "./activity/idempotency/part.js";
export { type HandleOptions, type InvocableHandler, isInvocableHandler } from "./activity/invocable-handler.js";
export type { Logger } from "./activity/logger.js";
export { type MapError, mapErrors } from "./activity/map-error.js";
export type { ActivityOutcome } from "./activity/outcome.js";
export { bearerToken, type InvocableAuthGate } from "./http/auth.js";
export { handleInvocableHttpRequest, type InvocableHandlers } from "./http/endpoint.js";
export type { InvocableHttpOptions } from "./http/endpoint-options.js";
export type { InvocableHttpResponse } from "./http/message.js";
export { toAvroValue } from "./payload/adapter.js";
export { type AvroValue, avroDouble } from "./payload/value.js";
export type { HeartbeatProgress } from "./protocol/heartbeat-progress.js";
export type { InvocableResultEnvelope } from "./protocol/wire.js";
