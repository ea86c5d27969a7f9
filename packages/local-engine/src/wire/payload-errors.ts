import { RETRY_AFTER_SECONDS } from "@durable-workflow/engine-protocol";
import {
  PAYLOAD_ERROR_SCHEMA,
  PAYLOAD_REFUSALS,
  type PayloadError,
  type PayloadRefusalReason,
  type PayloadReportError,
} from "@durable-workflow/engine-protocol/external-payloads";
import type { JsonObject } from "../http/call.js";
import { ReplyError } from "../http/call.js";
import type { Claimant } from "../service/reports.js";
import type { PayloadFault } from "../store/payloads.js";

/** Why a payload is refused, as it is told. */
export interface PayloadRefusal {
  readonly reason: PayloadRefusalReason;
  readonly message: string;
  /** Default: that of the reason. */
  readonly status?: number;
}

/** A refusal of a payload, on whichever route. */
export class PayloadRefusedError extends ReplyError {
  readonly refusal: PayloadRefusal;

  constructor(refusal: PayloadRefusal, more: JsonObject = {}) {
    const body = { ...errorToWire(refusal), ...more };
    super(body.status, body, retryHeaders(refusal.reason));
    this.name = "PayloadRefusedError";
    this.refusal = refusal;
  }
}

function errorToWire({ reason, message, status }: PayloadRefusal): PayloadError {
  const known = PAYLOAD_REFUSALS[reason];
  return {
    schema: PAYLOAD_ERROR_SCHEMA,
    reason,
    message,
    retryable: known.retryable,
    status: status ?? known.status,
  };
}

function retryHeaders(reason: PayloadRefusalReason): Readonly<Record<string, string>> | undefined {
  return PAYLOAD_REFUSALS[reason].retryable ? { "Retry-After": String(RETRY_AFTER_SECONDS.storage) } : undefined;
}

const FAULTS: Readonly<Record<PayloadFault, PayloadRefusal>> = {
  not_found: { reason: "external_payload_not_found", message: "External payload not found in this namespace." },
  expired: {
    reason: "external_payload_expired",
    message:
      "External payload has expired: no request named it in time, or what named it was removed. Upload it again.",
  },
  mismatch: {
    reason: "external_payload_integrity_mismatch",
    message: "The reference does not speak of the payload that was uploaded under its id.",
  },
};

export function refusalOf(fault: PayloadFault): PayloadRefusal {
  return FAULTS[fault];
}

/** A report whose payload is refused: nothing of it was recorded. */
export function refusedReport({ refusal }: PayloadRefusedError, { taskId, attemptId }: Claimant): ReplyError {
  const { message, ...error } = errorToWire(refusal);
  const body: PayloadReportError = {
    ...error,
    task_id: taskId,
    activity_attempt_id: attemptId,
    outcome: "rejected",
    recorded: false,
    error: message,
  };
  return new ReplyError(body.status, { ...body }, retryHeaders(refusal.reason));
}

/** A start whose payload is refused. */
export function refusedStart({ refusal }: PayloadRefusedError): ReplyError {
  return new PayloadRefusedError(refusal, { command_status: "rejected", rejection_reason: refusal.reason });
}
