import { fieldOf, isObject, textField } from "../fields.js";
import { PAYLOAD_ERROR_SCHEMA } from "./schemas.js";

/** By which an engine refuses a payload or a reference: with which status, and whether the same request may succeed later. */
export const PAYLOAD_REFUSALS = {
  external_payload_not_found: { status: 404, retryable: false },
  external_payload_expired: { status: 410, retryable: false },
  external_payload_unauthorized: { status: 403, retryable: false }, // 401 without a known token
  external_payload_unavailable: { status: 503, retryable: true },
  external_payload_oversized: { status: 413, retryable: false },
  external_payload_unsupported: { status: 422, retryable: false }, // 415 for the media type
  external_payload_integrity_mismatch: { status: 422, retryable: false },
  external_payload_namespace_bytes_exhausted: { status: 429, retryable: true },
  external_payload_namespace_objects_exhausted: { status: 429, retryable: true },
  external_payload_namespace_quota_unavailable: { status: 503, retryable: true },
  external_payload_completion_lease_rejected: { status: 409, retryable: false },
  external_payload_completion_conflict: { status: 409, retryable: false },
  external_payload_completion_invalid: { status: 422, retryable: false },
  external_payload_completion_budget_exhausted: { status: 429, retryable: true },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly retryable: boolean }>>;

/** Why a large payload was refused, in the engine's word. */
export type PayloadRefusalReason = keyof typeof PAYLOAD_REFUSALS;

/** What older servers answer reports with, where the payload is at fault. */
export const OLDER_PAYLOAD_REFUSALS = {
  external_payload_integrity_failed: { status: 422, retryable: false },
  external_payload_storage_unavailable: { status: 503, retryable: true },
} as const;

/** Whether a reason is one that refuses a large payload. */
export function isPayloadRefusal(reason: string): reason is PayloadRefusalReason {
  return Object.hasOwn(PAYLOAD_REFUSALS, reason);
}

/** Whatever is asked of the payload routes and refused. */
export interface PayloadError {
  readonly schema: typeof PAYLOAD_ERROR_SCHEMA;
  readonly reason: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly status: number;
}

/** A report whose payload is refused: nothing was recorded. */
export interface PayloadReportError {
  readonly task_id: string;
  readonly activity_attempt_id: string;
  readonly schema: typeof PAYLOAD_ERROR_SCHEMA;
  readonly outcome: "rejected";
  readonly recorded: false;
  readonly reason: string;
  readonly error: string;
  readonly retryable: boolean;
  readonly status: number;
}

/** What an error says, whichever route it comes from. */
export interface ReadPayloadError {
  readonly reason: string;
  /** Empty where it says nothing. */
  readonly message: string;
  /** As the answer says it; else as the reason is known to be; false where neither tells. */
  readonly retryable: boolean;
}

/**
 * Reads what an engine says of a payload that it refuses; undefined for an answer that is about something else.
 *
 * @param body a parsed JSON document
 */
export function readPayloadError(body: unknown): ReadPayloadError | undefined {
  const reason = textField(body, "reason");
  if (!isObject(body) || reason === undefined) return undefined;
  if (body["schema"] !== PAYLOAD_ERROR_SCHEMA && !reason.startsWith("external_payload_")) return undefined;
  const known: Readonly<Record<string, { readonly retryable: boolean }>> = {
    ...PAYLOAD_REFUSALS,
    ...OLDER_PAYLOAD_REFUSALS,
  };
  const said = fieldOf(body, "retryable");
  return {
    reason,
    message: textField(body, "message") ?? textField(body, "error") ?? "",
    retryable: typeof said === "boolean" ? said : Object.hasOwn(known, reason) && known[reason]?.retryable === true,
  };
}
