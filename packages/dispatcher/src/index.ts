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
export { loadExecutorConfig } from "./config/load.js";
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
export type { LocalCarrier } from "./delivery/handler-delivery.js";
export type * from "./dispatch/api.js";
export { createDispatcher } from "./dispatch/dispatcher.js";
export type { BreakerLimits, DispatcherOptions, QueueBinding } from "./dispatch/options.js";
export type { LaneHealth } from "./events/board.js";
export * from "./events/events.js";
export type { BreakerState, LaneState } from "./events/states.js";
export { type ConnectSettings, createAgent } from "./net/agents.js";
export { Proxies } from "./net/proxies.js";
export type { SharedStorage, SharedStorageDriver } from "./payloads/shared-store.js";
export * from "./service/health-server.js";
export * from "./service/log-lines.js";
export * from "./service/signals.js";
export { type Clock, systemClock } from "./time/clock.js";
