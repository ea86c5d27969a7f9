export type * from "./answers.js";
export * from "./envelope.js";
export type * from "./external-executor.js";
export * from "./registration.js";
export * from "./report.js";
export * from "./task.js";
export * from "./trace-context.js";
export * from "./will-retry.js";
