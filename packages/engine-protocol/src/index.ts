export type * from "./capabilities.js";
export * from "./fields.js";
export * from "./headers.js";
export * from "./known-options.js";
export * from "./limits.js";
export * from "./paths.js";
export * from "./reasons.js";
export * from "./token.js";
export * from "./version.js";
