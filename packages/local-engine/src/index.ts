export type { Clock } from "./clock.js";
export { isLocalEngineError, LocalEngineError, type LocalEngineErrorCode } from "./errors.js";
export type { Listening } from "./http/servers.js";
export type { Site } from "./http/site.js";
export { type BackupOptions, createLocalEngine, type ListenOptions, type LocalEngine } from "./local-engine.js";
export type { LocalEngineOptions, Logger, TokenOptions } from "./options.js";
export type { IntegrityCheck } from "./store/connection.js";
