/**
 * Host Durable Workflow activities behind HTTP or a serverless function. Adapters have subpaths of their own:
 * `@durable-workflow/carrier/fetch`, `/node`, `/lambda`.
 */
export * from "./activity/index.js";
export * from "./http/index.js";
export * from "./payload/index.js";
export * from "./protocol/index.js";
export * from "./storage/index.js";
