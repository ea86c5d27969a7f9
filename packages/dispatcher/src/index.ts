export {
  type ActivityMapping,
  type AuthReference,
  type Carrier,
  type ConfigDefaults,
  type ConfigError,
  type ConfigErrorCode,
  type ExecutorConfig,
  ExecutorConfigError,
  type HttpCarrier,
  type ParseConfigOptions,
  type ProcessCarrier,
  parseExecutorConfig,
  type TransportRetryPolicy,
} from "@durable-workflow/engine-protocol/executor-config";
export { loadExecutorConfig } from "./config/load.js";
export {
  type ConnectionFlags,
  type ConnectionInputs,
  type ConnectionReport,
  type ConnectionSettings,
  DEFAULT_NAMESPACE,
  DEFAULT_SERVER_URL,
  describeConnection,
  resolveConnection,
  type Setting,
  type SettingSource,
} from "./config/connection.js";
export {
  type Environment,
  loadProfiles,
  type Profile,
  ProfileError,
  type Profiles,
  parseProfiles,
  profilesPath,
  type TokenSource,
} from "./config/profiles.js";
export type { LocalCredential } from "./delivery/credentials.js";
export type { BreakerState } from "./dispatch/breaker.js";
export type * from "./dispatch/api.js";
export { createDispatcher } from "./dispatch/dispatcher.js";
export type { LaneState } from "./dispatch/lane.js";
export type { BreakerLimits, DispatcherOptions, QueueBinding } from "./dispatch/options.js";
export type { LaneHealth } from "./observe/board.js";
export * from "./observe/events.js";
export * from "./observe/health-server.js";
export * from "./observe/logs.js";
export * from "./observe/metrics.js";
export * from "./observe/signals.js";
export { type Clock, systemClock } from "./time/clock.js";
