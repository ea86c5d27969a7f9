export * from "./memory-store.js";
export { idempotent } from "./once.js";
export { byExecution, type IdempotencyOptions } from "./options.js";
export type { ActivityIdempotency } from "./part.js";
export * from "./redis-store.js";
export * from "./store.js";
