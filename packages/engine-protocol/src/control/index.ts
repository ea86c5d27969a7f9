export * from "./activities.js";
export * from "./contracts.js";
export * from "./retry-policy.js";
export type * from "./workers.js";
