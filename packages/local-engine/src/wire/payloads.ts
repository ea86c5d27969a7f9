import { encodeAvroValue, isPayloadError } from "@durable-workflow/carrier/payload";
import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import {
  PAYLOAD_ERROR_SCHEMA,
  PAYLOAD_REFUSALS,
  type PayloadReportError,
} from "@durable-workflow/engine-protocol/external-payloads";
import { ReplyError } from "../http/call.js";
import { invalidField, isObject, isStorable } from "../http/fields.js";
import type { Claimant } from "../service/reports.js";

/** A payload as it travels. */
export interface Envelope {
  readonly codec: string;
  readonly blob: string;
}

export function envelope(blob: string): Envelope {
  return { codec: AVRO_CODEC, blob };
}

export function envelopeOrNull(blob: string | null): Envelope | null {
  return blob === null ? null : envelope(blob);
}

/**
 * The blob of a payload that came: an envelope's own, read no further; any other value encoded. An object with `codec`,
 * `blob` and one key more is such a value.
 *
 * @throws {ReplyError} 422
 */
export function readPayload(value: unknown, field: string): string {
  if (!isEnvelope(value)) return encode(value, field);
  if (value["codec"] !== AVRO_CODEC) throw invalidField(`${field}.codec`, unsupportedCodec(value["codec"]));
  for (const name of REFERENCES) if (name in value) throw invalidField(`${field}.${name}`, NO_REFERENCES);
  const { blob } = value;
  if (typeof blob !== "string" || !isStorable(blob))
    throw invalidField(`${field}.blob`, "The payload envelope blob must be a string.");
  return blob;
}

/** References to payloads that are stored elsewhere; they cannot be read here. */
const REFERENCES = ["external_storage", "external_payload"];

/** Whether a value refers to a payload that is stored elsewhere, instead of holding it. */
export function isUnsupportedReference(value: unknown): boolean {
  return isEnvelope(value) && REFERENCES.some((name) => name in value);
}

/** 422 for a report whose payload is a reference. Nothing of it is recorded. */
export function rejectedToWire({ taskId, attemptId }: Pick<Claimant, "taskId" | "attemptId">): ReplyError {
  const reason = "external_payload_unsupported";
  const { status, retryable } = PAYLOAD_REFUSALS[reason];
  const body: PayloadReportError = {
    schema: PAYLOAD_ERROR_SCHEMA,
    task_id: taskId,
    activity_attempt_id: attemptId,
    outcome: "rejected",
    recorded: false,
    reason,
    error: NO_REFERENCES,
    retryable,
    status,
  };
  return new ReplyError(status, body);
}

const NO_REFERENCES = "External payload references cannot be read here. Send the payload inline, as codec and blob.";

/** Exactly two keys make an envelope. */
export function isEnvelope(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    isObject(value) &&
    Object.keys(value).length === 2 &&
    "codec" in value &&
    ("blob" in value || REFERENCES.some((name) => name in value))
  );
}

export function encode(value: unknown, field: string): string {
  try {
    return encodeAvroValue(value);
  } catch (error) {
    if (isPayloadError(error)) throw invalidField(field, error.message);
    throw error;
  }
}

function unsupportedCodec(codec: unknown): string {
  const named =
    typeof codec === "string" ? `payload codec ${JSON.stringify(codec.slice(0, 80))}` : "a payload without codec";
  return `unsupported_payload_codec: ${named} is not supported by Durable Workflow 2.0; use codec="avro" with the fixed Avro Value schema and single-object framing. JSON remains the HTTP document transport, not a workflow payload codec.`;
}
