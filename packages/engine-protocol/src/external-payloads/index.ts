export * from "./completion-context.js";
export * from "./errors.js";
export * from "./headers.js";
export * from "./limits.js";
export * from "./manifest.js";
export * from "./reference.js";
export * from "./schemas.js";
export * from "./upload.js";
