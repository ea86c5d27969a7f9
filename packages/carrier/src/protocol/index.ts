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
export type { HeartbeatAnswer, HeartbeatRequestWire } from "./heartbeat.js";
export { type HeartbeatProgress, PROGRESS_LIMITS } from "./heartbeat-progress.js";
export { scanJson, TOO_DEEP, TOO_MANY } from "./json-shape.js";
export {
  type ExternalPayloadReference,
  externalPayloadReferenceViolations,
  parseExternalPayloadReference,
  serializeExternalPayloadReference,
} from "./payload-reference.js";
export { isPlainText, printAround } from "./plain-text.js";
export * from "./recordable-text.js";
export * from "./storage-policy.js";
export * from "./task-input.js";
export * from "./task-result.js";
export { parseTimestamp } from "./timestamps.js";
export type * from "./wire.js";
