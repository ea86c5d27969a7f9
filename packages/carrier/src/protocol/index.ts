export * from "./artifacts.js";
export * from "./constants.js";
// As a whole: bundlers that split code load, with a door that names what it passes on, all that is used of it anywhere.
export * from "./describe-received.js";
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
export type { ContractViolation } from "./fields.js";
export type { HeartbeatAnswer, HeartbeatRequestWire } from "./heartbeat.js";
export { type HeartbeatProgress, PROGRESS_LIMITS } from "./heartbeat-progress.js";
export * from "./json-object.js";
export { scanJson, TOO_DEEP, TOO_MANY } from "./json-shape.js";
export {
  ACTIVITY_MANIFEST_MEDIA_TYPE,
  LONGEST_INPUT_SCHEMA,
  readActivityManifest,
  readInputSchemas,
} from "./manifest.js";
export {
  type ExternalPayloadReference,
  externalPayloadReferenceViolations,
  parseExternalPayloadReference,
  serializeExternalPayloadReference,
} from "./payload-reference.js";
export { isPlainText, printAround } from "./plain-text.js";
export * from "./recordable-name.js";
export * from "./recordable-text.js";
export * from "./storage-policy.js";
export * from "./task-input.js";
export * from "./task-result.js";
export * from "./timestamps.js";
export type * from "./wire.js";
