import { at, entriesOf, isObject, type Reason, textAt } from "@durable-workflow/engine-protocol";
import { ClientError, type ClientErrorCode, type ClientErrorOptions } from "../errors/client-error.js";
import type { Answer } from "../wire/connection.js";
import type { Subject } from "./subject.js";

/** What answers that are no success say: most clients see few of them, so that this is loaded when one has come. */

/** 404s that speak of the activity, and not of the route. */
const NOT_THERE: ReadonlySet<string> = new Set<Reason | "workflow_not_found">([
  "activity_not_found",
  "instance_not_found",
  "namespace_not_found",
  "workflow_not_found",
]);

const NAMESPACE_RESERVED: Reason = "activity_id_reserved_in_namespace";
const DRAINING: Reason = "task_queue_draining";
const STORAGE: ReadonlySet<string> = new Set(["storage_pressure", "storage_admission_unavailable"] satisfies Reason[]);

export function reasonOf(document: unknown): string | undefined {
  // Answers of the workflow routes repeat the reason that was given with the request as `reason`.
  return textAt(document, "rejection_reason") ?? textAt(document, "reason");
}

/** Whether a refusal says that nothing was done. */
export function provesNothingDone({ document }: Answer): boolean {
  const isRefusedAtTheDoor = at(document, "request_admitted") === false && STORAGE.has(reasonOf(document) ?? "");
  return isRefusedAtTheDoor || at(document, "command_status") === "rejected";
}

/** What an answer that is no success says, as an error. */
export function refusal(answer: Answer, subject: Subject): ClientError {
  const { status, document } = answer;
  const reason = reasonOf(document);
  const known = { status, reason, retryAfterMs: retryAfterOf(answer) };
  const make = (code: ClientErrorCode, told: string, more: ClientErrorOptions = {}): ClientError =>
    new ClientError(code, `${subject.what}: ${told}`, { ...known, ...more });
  const said = subject.shown(sentenceOf(document) ?? reason ?? `status ${status}`);
  const { url, acts } = subject;

  if (status === 0 || (status >= 300 && status < 400)) {
    const told = `${url} redirects (status ${status}), which is not followed: the token would go along. Name the engine's own address.`;
    return make("not_an_engine", told);
  }
  if (status >= 500) {
    if (provesNothingDone(answer)) {
      return make("storage_refused", `the engine takes nothing now: ${said}`, { retryable: true });
    }
    const told = `the engine at ${url} fails with ${status}: ${said}`;
    return make("server_error", told, { retryable: true, mayHaveActed: acts });
  }
  if (!isObject(document)) {
    const words = subject.shown(new TextDecoder().decode(answer.bytes.subarray(0, 2_000)));
    const told = `${url} answers ${status} as no engine does: ${words.slice(0, 200) || "an empty answer"}. Is it the engine's own address?`;
    return make("not_an_engine", told, { mayHaveActed: acts && status < 300 });
  }
  switch (status) {
    case 401:
      return make("unauthorized", `the engine does not know the token: ${said}`);
    case 403:
      return make("forbidden", `the token may not do this (${said}). A worker token cannot start: use an operator's.`);
    case 404:
      if (reason !== undefined && NOT_THERE.has(reason)) {
        const of = subject.activityId === undefined ? said : `there is no activity ${subject.activityId}`;
        return make("not_found", `${of} in the namespace ${subject.namespace} of ${url}`);
      }
      return make("not_an_engine", `${url} has no such route (${said}). Is it the engine's own address, without /api?`);
    case 409:
      if (reason === NAMESPACE_RESERVED) return make("id_taken", `${said} Use another id.`);
      if (reason === DRAINING) return make("queue_draining", said, { retryable: true });
      return make("refused", said);
    case 413:
      return make("payload_too_large", `the engine takes no request of this size: ${said}`);
    case 429: {
      const { retryAfterMs } = known;
      const when = retryAfterMs === undefined ? "later" : `in ${retryAfterMs / 1000} s`;
      return make("rate_limited", `${url} takes no more requests for now, and may be asked again ${when}: ${said}`, {
        retryable: true,
      });
    }
    case 400:
      return make(reason?.endsWith("_control_plane_version") === true ? "unsupported_version" : "invalid", said);
    case 422:
      return make(codeOfInvalid(document, reason), said);
    default:
      return make("refused", `${said} (status ${status})`);
  }
}

/** An id that could be one and is refused belongs to somebody else: a running activity, or a workflow. */
function codeOfInvalid(document: unknown, reason: string | undefined): ClientErrorCode {
  if (reason === "external_payload_oversized") return "payload_too_large";
  const aboutId = [at(document, "errors", "activity_id")].flat().join(" ");
  if (/already running/i.test(aboutId)) return "already_running";
  if (aboutId !== "") return "id_taken";
  return /activity .*already running/i.test(textAt(document, "message") ?? "") ? "already_running" : "invalid";
}

/** How long an engine wants to be left alone. A date is not read: the clocks may differ. */
function retryAfterOf(answer: Answer): number | undefined {
  const told = at(answer.document, "retry_after_seconds");
  const seconds = typeof told === "number" ? told : Number(answer.header("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1000) : undefined;
}

/** What an engine says is wrong: the sentences about fields, else its own. */
function sentenceOf(document: unknown): string | undefined {
  for (const name of ["errors", "validation_errors"]) {
    const sentences = entriesOf(at(document, name))
      .flatMap(([field, told]) => [told].flat().map((one) => (typeof one === "string" ? `${field}: ${one}` : "")))
      .filter((sentence) => sentence !== "");
    if (sentences.length > 0) return sentences.join(" ");
  }
  return textAt(document, "message") ?? textAt(document, "error");
}

/** The same of a start: an answer of success that is none of an engine's, and no page, is one that was lost on its way. */
export function startRefusal(answer: Answer, subject: Subject): ClientError {
  const isSuccess = answer.status >= 200 && answer.status < 300;
  return isSuccess && !isPage(answer) ? brokenAnswer(answer, subject) : refusal(answer, subject);
}

function isPage(answer: Answer): boolean {
  return /html/i.test(answer.header("content-type") ?? "") || answer.bytes[0] === 0x3c;
}

function brokenAnswer({ status }: Answer, { what, url }: Subject): ClientError {
  const told = `${what}: the answer of ${url} is broken`;
  return new ClientError("server_error", told, { status, retryable: true, mayHaveActed: true });
}
