export * from "./actions.js";
export * from "./activity.js";
export * from "./capabilities.js";
export * from "./common.js";
export * from "./list.js";
export * from "./overview.js";
export * from "./routes.js";
export * from "./stream.js";
