export type { Clock } from "./clock.js";
export * from "./errors.js";
export * from "./handler.js";
export type { Logger } from "./logger.js";
export type { CallerSignal } from "./run.js";
export type { ActivityFunction, ActivityHandlers } from "./registry.js";
