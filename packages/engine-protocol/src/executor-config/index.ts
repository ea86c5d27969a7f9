export * from "./engine-mapping.js";
export * from "./errors.js";
export * from "./model.js";
export * from "./parse.js";
export { REDACTED, redactContext } from "./redact.js";
export { CONFIG_SCHEMA, CONFIG_VERSION, shapeErrors } from "./shape.js";
export { meaningErrors } from "./meaning.js";
export { carrierUrl, isLoopbackHost, parseUrl } from "./target.js";
export { LONGEST_HTTP_TIMEOUT_SECONDS } from "./carrier.js";
