export type { Clock } from "./clock.js";
export type { ActivityContext, ActivityDeadlines, ActivityInfo, ActivityLease } from "./context.js";
export { type ContextKey, createContextKey } from "./context-values.js";
export {
  type ActivityDefinition,
  type ActivityInput,
  type ActivityRunFunction,
  type ArgumentListSchema,
  type ArgumentSchemas,
  defineActivity,
  isActivityDefinition,
} from "./define-activity.js";
export {
  type EngineHeartbeatOptions,
  engineHeartbeatSender,
  type HeartbeatFetch,
  type HeartbeatFetchInit,
  type HeartbeatFetchResponse,
} from "./engine-heartbeat-sender.js";
export * from "./errors.js";
export {
  type HandleOptions,
  handleInvocableActivity,
  InvocableActivityHandler,
  type InvocableActivityHandlerOptions,
  type InvocableHandler,
  isInvocableActivityHandler,
  isInvocableHandler,
} from "./handler.js";
export {
  type Heartbeat,
  HeartbeatError,
  type HeartbeatErrorOptions,
  type HeartbeatSender,
  isHeartbeatError,
} from "./heartbeat-sender.js";
export * from "./idempotency/index.js";
export type { ActivityInterceptor, ActivityNext } from "./interceptor.js";
export type { Logger } from "./logger.js";
export { loggingInterceptor } from "./logging-interceptor.js";
export type { MapError } from "./map-error.js";
export type { ActivityOutcome } from "./outcome.js";
export type { ActivityFunction, ActivityHandler, ActivityHandlers } from "./registry.js";
export type { CallerSignal } from "./run.js";
export type { SchemaInput, SchemaIssue, SchemaOutput, SchemaResult, StandardSchema } from "./standard-schema.js";
export { type ActivityValidationError, isActivityValidationError, type ValidationIssue } from "./validation.js";
