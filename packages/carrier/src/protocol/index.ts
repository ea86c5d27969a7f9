export * from "./artifacts.js";
export * from "./constants.js";
export {
  ExternalPayloadReferenceError,
  ExternalPayloadStoragePolicyError,
  ExternalTaskInputError,
  ExternalTaskResultError,
  isExternalPayloadReferenceError,
  isExternalPayloadStoragePolicyError,
  isExternalTaskInputError,
  isExternalTaskResultError,
} from "./errors.js";
export { type ContractViolation, describeReceived, isObject, type JsonObject } from "./fields.js";
export * from "./heartbeat.js";
export * from "./heartbeat-endpoint.js";
export * from "./heartbeat-progress.js";
export * from "./payload-reference.js";
export * from "./recordable-text.js";
export * from "./storage-policy.js";
export * from "./task-input.js";
export * from "./task-result.js";
export * from "./timestamps.js";
export type * from "./wire.js";
