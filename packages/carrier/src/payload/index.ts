export { toAvroValue } from "./adapter.js";
export {
  type DecodeAvroOptions,
  decodeAvroValue,
  decodeAvroValues,
  encodeAvroValue,
  encodeAvroValues,
} from "./codec.js";
export { decodePayload, type PayloadEnvelopeOptions, type PayloadLogger, payloadEnvelope } from "./envelope.js";
export { isPayloadError, PayloadError, type PayloadErrorCode } from "./errors.js";
export { type JsonValue, projectForJson } from "./projection.js";
export { type AvroDouble, type AvroValue, avroDouble, isAvroDouble } from "./value.js";
