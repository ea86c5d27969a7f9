export type { CallerSignal } from "./caller-signal.js";
export type { Clock } from "./clock.js";
export type { ActivityContext, ActivityDeadlines, ActivityInfo, ActivityLease } from "./context.js";
export { type ContextKey, createContextKey } from "./context-values.js";
export {
  type ActivityDefinition,
  type ActivityRunFunction,
  defineActivity,
  isActivityDefinition,
} from "./definition/define-activity.js";
export {
  type ActivityInterceptor,
  type ActivityInterceptors,
  type ActivityNext,
  interceptWith,
} from "./definition/interceptor.js";
export { loggingInterceptor } from "./definition/logging-interceptor.js";
export type { ActivityFunction, ActivityHandler, ActivityHandlers } from "./definition/registry.js";
export type {
  SchemaInput,
  SchemaIssue,
  SchemaOutput,
  SchemaResult,
  StandardSchema,
} from "./definition/standard-schema.js";
export type { ActivityValidationError, ValidationIssue } from "./definition/validation.js";
export * from "./errors.js";
export {
  handleInvocableActivity,
  InvocableActivityHandler,
  type InvocableActivityHandlerOptions,
  isInvocableActivityHandler,
} from "./handler.js";
export type { HeartbeatSource } from "./heartbeat/part.js";
export type { ActivityIdempotency } from "./idempotency/part.js";
export { type HandleOptions, type InvocableHandler, isInvocableHandler } from "./invocable-handler.js";
export type { Logger } from "./logger.js";
export { type MapError, mapErrors } from "./map-error.js";
export type { ActivityOutcome } from "./outcome.js";
