import { payloadEnvelope } from "@durable-workflow/carrier/payload";
import {
  EXTERNAL_TASK_INPUT_MEDIA_TYPE,
  type ExternalTaskResult,
  type FailureKind,
  type InvocableResultEnvelope,
  isExternalTaskResultError,
  type JsonObject,
  type PayloadEnvelope,
  parseExternalTaskResult,
  type ResultFailure,
  type TimeoutType,
} from "@durable-workflow/carrier/protocol";
import { fieldOf, isObject } from "@durable-workflow/engine-protocol";
import type { FailureReport, LeasedTask, ResultReport } from "@durable-workflow/engine-protocol/worker";
import { excerpt, preview as shorten } from "../engine/recordable.js";
import { type BlobPayload, type LeanText, wholeText } from "../net/blob-bytes.js";
import type { DeliveryAnswer, HttpAnswer, ProcessAnswer, RefusedAnswer, UnreachableAnswer } from "./answer.js";

/** What the engine is told of a delivery. */
export type Report =
  | { readonly kind: "complete"; readonly result: ResultReport }
  | { readonly kind: "fail"; readonly failure: FailureReport };

/** A report of which one payload may still be bytes: that of the result, or of the failure's details. */
export interface MappedReport {
  /** Where it is bytes, the payload's blob is a placeholder. */
  readonly report: Report;
  readonly large: BlobPayload | undefined;
}

export interface MappingContext {
  /** For messages. */
  readonly carrier: string;
  /** Takes credentials out of what others wrote. */
  readonly scrub: (text: string) => string;
}

/** `type` of the failure for an answer that is not a result. */
export const MALFORMED_OUTPUT = "MalformedOutput";
/** How much of what came back is shown. */
const PREVIEW_LENGTH = 1_000;
const MESSAGE_PREVIEW_LENGTH = 200;

/** What a delivery's answer means for the engine: every answer is either a result or a failure. */
export function reportOf(task: LeasedTask, answer: DeliveryAnswer, context: MappingContext): MappedReport {
  const mapped = mappedReport(task, answer, context);
  return "report" in mapped ? mapped : { report: mapped, large: undefined };
}

function mappedReport(task: LeasedTask, answer: DeliveryAnswer, context: MappingContext): Report | MappedReport {
  switch (answer.kind) {
    case "handled":
      return handledReport(answer.result, context);
    case "http":
      return httpReport(task, answer, context);
    case "process":
      return processReport(task, answer, context);
    case "timeout":
      return timeoutReport(answer.limit, answer.afterMs, context);
    case "unreachable":
      return unreachableReport(answer, context);
    case "refused":
      return refusedReport(answer, context);
  }
}

interface FailureFacts {
  readonly kind: FailureKind;
  readonly message: string;
  readonly type: string;
  readonly retryable: boolean;
  readonly timeoutType?: TimeoutType;
  readonly details?: PayloadEnvelope | null;
}

function failed({ kind, message, type, retryable, timeoutType, details = null }: FailureFacts): Report {
  return {
    kind: "fail",
    failure: {
      message,
      type,
      kind,
      ...(timeoutType === undefined ? {} : { timeout_type: timeoutType }),
      cancelled: kind === "cancellation",
      malformed_output: kind === "malformed_output",
      retryable,
      non_retryable: !retryable,
      details,
    },
  };
}

/** A result for this very task, or why the answer does not count as one. */
type ReadResult =
  | { readonly result: ExternalTaskResult; readonly large: BlobPayload | undefined; readonly problem?: never }
  | { readonly problem: string; readonly result?: never };

function readResult(task: LeasedTask, lean: LeanText): ReadResult {
  let result: ExternalTaskResult;
  let large: BlobPayload | undefined;
  try {
    result = parseExternalTaskResult(JSON.parse(lean.text));
    large = largeBlobOf(result, lean);
    // Large texts elsewhere are put back where they were.
    if (lean.blobs.size > (large === undefined ? 0 : 1)) {
      large = undefined;
      result = parseExternalTaskResult(JSON.parse(wholeText(lean)));
    }
  } catch (error) {
    return { problem: isExternalTaskResultError(error) ? error.message : "it is not JSON" };
  }
  const echo = result.task;
  const expected = { kind: "activity_task", id: task.taskId, attempt: task.attempt, idempotencyKey: task.attemptId };
  for (const field of ["kind", "id", "attempt", "idempotencyKey"] as const) {
    if (echo[field] !== expected[field]) {
      const name = field === "idempotencyKey" ? "idempotency_key" : field;
      return { problem: `task.${name} is not the one that was sent` };
    }
  }
  return { result, large };
}

/** The one payload of a result that a report passes on, where that was taken out of the text. */
function largeBlobOf(result: ExternalTaskResult, { blobs }: LeanText): BlobPayload | undefined {
  const payload: unknown = result.kind === "success" ? result.payload : result.failure.details;
  const [codec, blob] = [fieldOf(payload, "codec"), fieldOf(payload, "blob")];
  const bytes = typeof blob === "string" ? blobs.get(blob) : undefined;
  return bytes === undefined || typeof codec !== "string" ? undefined : { codec, bytes };
}

function httpReport(task: LeasedTask, answer: HttpAnswer, context: MappingContext): Report | MappedReport {
  const { status, body, temporary } = answer;
  const text = "text" in body ? body.text : undefined;
  const read = "text" in body ? readResult(task, body) : { problem: problemText(body) };
  if (read.result !== undefined) return { report: resultReport(read.result), large: read.large };
  const isOk = status >= 200 && status < 300;
  // A gateway that says "later", and one that does not know our credential, may think better of it; a page never will.
  const cause = likelyCause(status);
  const retryable = temporary || cause !== undefined;
  return malformed(`The carrier ${context.carrier} answered ${status}`, isOk ? read.problem : cause, context, {
    preview: text ?? "",
    more: { status },
    retryable,
  });
}

/**
 * Why a server may answer with a status that says nothing of the task: the carrier was deployed, or mapped, wrongly. The task is as good as
 * before, and others will fare alike. Undefined for other statuses.
 */
export function likelyCause(status: number): string | undefined {
  if (status >= 300 && status < 400) return "a redirect, which is not followed: give its target as the URL";
  switch (status) {
    case 401:
      return "it wants a credential, or another than that of the mapping's auth_ref";
    case 403:
      return "what the mapping's auth_ref names may not call it";
    case 404:
      return "there is nothing at the path of its URL";
    case 405:
      return "what is at its URL takes no POST";
    case 415:
      return `its server has no parser for the media type ${EXTERNAL_TASK_INPUT_MEDIA_TYPE}; Fastify needs addContentTypeParser`;
    default:
      return undefined;
  }
}

function problemText(body: HttpAnswer["body"]): string {
  return "problem" in body ? `the body could not be read (${body.problem})` : "";
}

function malformed(
  intro: string,
  problem: string | undefined,
  { scrub }: MappingContext,
  { preview, more, retryable }: { readonly preview: string; readonly more: JsonObject; readonly retryable: boolean },
): Report {
  const shown = scrub(preview);
  const said = excerpt(shown, MESSAGE_PREVIEW_LENGTH);
  const why = problem === undefined ? "without a result for this task" : `without a result for this task: ${problem}`;
  return failed({
    kind: "malformed_output",
    type: MALFORMED_OUTPUT,
    message: `${intro} ${why}.${said === "" ? "" : ` It said: ${said}`}`,
    retryable,
    details: encodeDetails({ ...more, preview: shorten(shown, PREVIEW_LENGTH) }),
  });
}

/** What a handler in this process has said: nothing of it went through JSON, so that there is less to doubt. */
function handledReport(result: InvocableResultEnvelope, context: MappingContext): Report {
  if (isSuccess(result)) return { kind: "complete", result: passedThrough(result.result?.payload ?? null) };
  try {
    return resultReport(parseExternalTaskResult(result));
  } catch (error) {
    const problem = isExternalTaskResultError(error) ? error.message : "it cannot be read";
    const intro = `The handler of carrier ${context.carrier} answered`;
    return malformed(intro, problem, context, { preview: "", more: {}, retryable: false });
  }
}

/** A carrier of this process need not be of this repository, nor keep to its type. */
function isSuccess(
  result: InvocableResultEnvelope,
): result is Exclude<InvocableResultEnvelope, { readonly failure: unknown }> {
  if (fieldOf(fieldOf(result, "outcome"), "status") !== "succeeded") return false;
  const payload = fieldOf(fieldOf(result, "result"), "payload");
  return payload === undefined || payload === null || isObject(payload);
}

function resultReport(result: ExternalTaskResult): Report {
  if (result.kind === "success") return { kind: "complete", result: passedThrough(result.payload) };
  return { kind: "fail", failure: failureReport(result.failure, result.retryable, result.malformedOutput) };
}

function failureReport(failure: ResultFailure, retryable: boolean, malformedOutput: boolean): FailureReport {
  const { message, type, kind, stackTrace, timeoutType, cancelled, details } = failure;
  return {
    message: message === "" ? "The activity failed without a message." : message,
    ...(type === null || type === "" ? {} : { type }),
    kind,
    ...(stackTrace === null ? {} : { stack_trace: stackTrace }),
    ...(timeoutType === null ? {} : { timeout_type: timeoutType }),
    cancelled,
    malformed_output: malformedOutput,
    retryable,
    non_retryable: !retryable,
    details: detailsReport(details),
  };
}

/** With the two keys of a payload envelope alone: one more, and the engine takes it for a value. */
function passedThrough(payload: PayloadEnvelope | null): PayloadEnvelope | null {
  if (payload === null) return null;
  if ("blob" in payload) return { codec: payload.codec, blob: payload.blob };
  return "external_payload" in payload
    ? { codec: payload.codec, external_payload: payload.external_payload }
    : { codec: payload.codec, external_storage: payload.external_storage };
}

/** Details without a codec would be dropped by the engine: they are encoded. */
function detailsReport(details: JsonObject | null): PayloadEnvelope | null {
  if (details === null) return null;
  const { codec, blob, external_storage: reference, external_payload: runtime } = details;
  if (typeof codec !== "string") return encodeDetails(details);
  if (typeof blob === "string") return { codec, blob };
  if (isObject(runtime)) return { codec, external_payload: runtime };
  return isObject(reference) ? { codec, external_storage: reference } : null;
}

function encodeDetails(details: JsonObject): PayloadEnvelope | null {
  try {
    return payloadEnvelope(details);
  } catch {
    // Untagged details of a foreign carrier may hold what has no form as a payload: a lone surrogate, say.
    return null;
  }
}

function timeoutReport(limit: string, afterMs: number, { carrier }: MappingContext): Report {
  return failed({
    kind: "timeout",
    type: "CarrierTimeout",
    message:
      afterMs > 0
        ? `The carrier ${carrier} gave no answer within ${Math.round(afterMs) / 1000} s (${limit}).`
        : `The task's time was over (${limit}) before it could be sent to the carrier ${carrier}.`,
    retryable: true,
    timeoutType: "deadline_exceeded",
  });
}

function unreachableReport({ why, tries }: UnreachableAnswer, { carrier }: MappingContext): Report {
  const times = tries === 1 ? "one try" : `${tries} tries`;
  return failed({
    kind: "application",
    type: "CarrierUnreachable",
    message: `The carrier ${carrier} gave no answer in ${times}: ${why}.`,
    retryable: true,
  });
}

/** What has a name of its own, so that a retry policy can tell it from the rest. */
const REFUSED_TYPES: Partial<Readonly<Record<RefusedAnswer["code"], string>>> = {
  credential_unavailable: "InvocableCarrierAuthUnavailable",
  worker_session_unsupported: "WorkerSessionUnsupported",
};

function refusedReport({ code, message }: RefusedAnswer, { scrub }: MappingContext): Report {
  return failed({
    kind: "application",
    type: REFUSED_TYPES[code] ?? "DeliveryRefused",
    message: `The task was not delivered (${code}): ${scrub(message)}.`,
    retryable: true,
  });
}

/** Exit codes with a meaning of their own. */
const EXIT_MALFORMED = 64;
const EXIT_TEMPORARY = 75;
const EXIT_CANCELLED = 130;

function processReport(task: LeasedTask, answer: ProcessAnswer, context: MappingContext): Report | MappedReport {
  const { exitCode, signal, stdout, stderrPreview } = answer;
  const text = "text" in stdout ? stdout.text : undefined;
  const read = "text" in stdout ? readResult(task, stdout) : { problem: problemText(stdout) };
  // A failure speaks for itself whatever the exit code; a success counts only where the process says so too.
  if (read.result !== undefined && (exitCode === 0 || read.result.failed)) {
    return { report: resultReport(read.result), large: read.large };
  }
  const more = { exit_code: exitCode, signal, stderr_preview: shorten(context.scrub(stderrPreview), PREVIEW_LENGTH) };
  const ended = signal === null ? `exited with ${String(exitCode)}` : `was ended by ${signal}`;
  // It was killed for that; it did not crash by itself.
  const wroteTooMuch = "problem" in stdout && stdout.problem === "too_large";
  if (exitCode === 0 || exitCode === EXIT_MALFORMED || wroteTooMuch) {
    const problem = exitCode === EXIT_MALFORMED ? undefined : read.problem;
    return malformed(`The process of ${context.carrier} ${ended}`, problem, context, {
      preview: text ?? "",
      more,
      retryable: false,
    });
  }
  const cancelled = exitCode === EXIT_CANCELLED;
  const temporary = exitCode === EXIT_TEMPORARY;
  return failed({
    kind: cancelled ? "cancellation" : temporary ? "application" : "handler_crash",
    type: cancelled ? "ActivityCancelled" : temporary ? "TemporaryFailure" : "HandlerCrash",
    message: `The process of ${context.carrier} ${ended}.`,
    retryable: !cancelled,
    details: encodeDetails(more),
  });
}
