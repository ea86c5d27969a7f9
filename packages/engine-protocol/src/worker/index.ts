export * from "./envelope.js";
export * from "./report.js";
export * from "./task.js";
