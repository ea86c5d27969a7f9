export * from "./memory-store.js";
export { byExecution, type IdempotencyOptions } from "./options.js";
export * from "./redis-store.js";
export * from "./store.js";
