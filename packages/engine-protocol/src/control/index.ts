export type * from "./activities.js";
export * from "./contracts.js";
export * from "./retry-policy.js";
