export type * from "./answers.js";
export * from "./envelope.js";
export * from "./registration.js";
export * from "./report.js";
export * from "./task.js";
export * from "./trace-context.js";
