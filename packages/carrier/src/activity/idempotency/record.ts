import { decodePayload, payloadEnvelope } from "../../payload/envelope.js";
import { isObject } from "../../protocol/fields.js";
import type { PayloadEnvelope } from "../../protocol/wire.js";
import type { TaskFailure, TaskOutcome } from "../run/failures.js";

/** What a key's first run came to. */
export interface IdempotencyRecord {
  readonly fingerprint: string;
  readonly outcome: TaskOutcome;
}

const SCHEMA = "durable-workflow.idempotency-record";
const VERSION = 1;

const CLASSIFICATIONS = [
  "application_error",
  "cancelled",
  "deadline_exceeded",
  "decode_failure",
  "unsupported_payload_codec",
  "unsupported_payload_reference",
] as const satisfies readonly TaskFailure["classification"][];

/** The record as JSON text, for a store. Holds the result, or the failure with its stack trace and details. */
export function writeRecord({ fingerprint, outcome }: IdempotencyRecord): string {
  const head = { schema: SCHEMA, version: VERSION, fingerprint };
  if ("codec" in outcome) return JSON.stringify({ ...head, payload: outcome });
  const { classification, type, message, stack = null, details } = outcome;
  const failure = { classification, type, message, stack, details: encodeDetails(details) };
  return JSON.stringify({ ...head, failure });
}

/** Undefined for a text that is not a record of this version: neither a success nor a failure may be made of it. */
export function readRecord(text: string): IdempotencyRecord | undefined {
  try {
    const document: unknown = JSON.parse(text);
    if (!isObject(document) || document["schema"] !== SCHEMA || document["version"] !== VERSION) return undefined;
    const { fingerprint, payload, failure } = document;
    const outcome = isPayload(payload) ? payload : readFailure(failure);
    return typeof fingerprint === "string" && outcome !== undefined ? { fingerprint, outcome } : undefined;
  } catch {
    return undefined;
  }
}

function readFailure(failure: unknown): TaskFailure | undefined {
  if (!isObject(failure)) return undefined;
  const { type, message, stack, details } = failure;
  const classification = CLASSIFICATIONS.find((name) => name === failure["classification"]);
  if (classification === undefined || typeof message !== "string" || !isTextOrNull(type) || !isTextOrNull(stack)) {
    return undefined;
  }
  // Lossless, so that they are encoded again to the very same bytes.
  const decoded = details === null ? undefined : decodePayload(details, { lossless: true });
  return { classification, type, message, retryable: false, stack, details: decoded };
}

/** Details that do not encode are not kept, and do not cost the failure they belong to. */
function encodeDetails(details: unknown): PayloadEnvelope | null {
  if (details === undefined) return null;
  try {
    return payloadEnvelope(details);
  } catch {
    return null;
  }
}

function isPayload(value: unknown): value is PayloadEnvelope {
  if (!isObject(value) || typeof value["codec"] !== "string") return false;
  return typeof value["blob"] === "string" || isObject(value["external_storage"] ?? value["external_payload"]);
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}
