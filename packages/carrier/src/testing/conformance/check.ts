import { decodeAvroValue, encodeAvroValue } from "../../payload/codec.js";
import { decodePayload } from "../../payload/envelope.js";
import { type JsonValue, projectForJson } from "../../payload/projection.js";
import { type AvroValue, isAvroDouble } from "../../payload/value.js";
import { EXTERNAL_TASK_RESULT_MEDIA_TYPE, RESULT_CONTENT_TYPE } from "../../protocol/constants.js";
import { isObject, type JsonObject } from "../../protocol/fields.js";
import { recordableText } from "../../protocol/recordable-text.js";
import { type ExternalTaskInput, parseExternalTaskInput } from "../../protocol/task-input.js";
import {
  type ExternalTaskResult,
  externalTaskResultViolations,
  isCodecTagged,
  parseExternalTaskResult,
  resultIsFor,
} from "../../protocol/task-result.js";
import type { ConformanceCase, ConformanceRequest, DeadlineField, ExpectedFailure, ExpectedRefusal } from "./types.js";

/** What came back for one delivery of a case's request. */
export interface ConformanceObservation {
  /** As it was sent. */
  readonly request: ConformanceRequest;
  /** Undefined where no HTTP was spoken: neither status nor headers are then looked at. */
  readonly status?: number | undefined;
  /** By lower-case name. */
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined;
  readonly body: string;
  /** Milliseconds from the request to the end of its answer. Left out: not looked at. */
  readonly elapsedMs?: number | undefined;
}

/** One way in which an answer is not what the contract demands. */
export interface ConformanceDifference {
  /** `status`, `headers.NAME`, `body`, `elapsed`, or a field of the result envelope, as in `outcome.retryable`. */
  readonly what: string;
  readonly expected: string;
  readonly received: string;
}

type Report = (what: string, expected: unknown, received: unknown) => void;

/** How an answer differs from what its case expects; empty for a conforming one. Never throws. */
export function checkConformance(
  { expect }: ConformanceCase,
  observed: ConformanceObservation,
): readonly ConformanceDifference[] {
  const differences: ConformanceDifference[] = [];
  const report: Report = (what, expected, received) => {
    differences.push({ what, expected: show(expected), received: show(received) });
  };
  const document = parseJson(observed.body);
  const status = expect.outcome === "refusal" ? expect.status : 200;
  if (observed.status !== undefined && observed.status !== status) {
    // What else differs in an answer of another kind says nothing more; why a task was refused, its body does.
    report("status", status, status === 200 ? `${observed.status}: ${observed.body}` : observed.status);
  } else if (expect.outcome === "refusal" && expect.error === undefined) {
    checkAnyRefusal(expect, document, observed, report);
  } else if (document === undefined) {
    report("body", "JSON", observed.body);
  } else if (expect.outcome === "refusal") {
    checkRefusal(expect, document, observed, report);
  } else {
    checkResult(expect, document, observed, report);
  }
  return differences;
}

function checkAnyRefusal(
  { headersInclude = {} }: ExpectedRefusal,
  document: unknown,
  { headers }: ConformanceObservation,
  report: Report,
): void {
  for (const [name, text] of Object.entries(headersInclude)) checkHeader(name, text, headers, report);
  if (isObject(document) && ("outcome" in document || "result" in document || "failure" in document)) {
    report("body", "no result", document);
  }
}

function checkRefusal(
  expect: ExpectedRefusal,
  document: unknown,
  { headers }: ConformanceObservation,
  report: Report,
): void {
  for (const [name, text] of Object.entries({ "content-type": "application/json", ...expect.headersInclude })) {
    checkHeader(name, text, headers, report);
  }
  const { error, message } = isObject(document) ? document : {};
  same("body.error", expect.error, error, report);
  if (typeof message !== "string" || message === "") report("body.message", "a text that is not empty", message);
}

function checkResult(
  expect: Exclude<ConformanceCase["expect"], ExpectedRefusal>,
  document: unknown,
  observed: ConformanceObservation,
  report: Report,
): void {
  checkHeader("content-type", EXTERNAL_TASK_RESULT_MEDIA_TYPE, observed.headers, report);
  const violations = externalTaskResultViolations(document);
  for (const { path, expected, received } of violations) report(path === "" ? "body" : path, expected, received);
  if (violations.length > 0) return;

  const result = parseExternalTaskResult(document);
  const input = parseExternalTaskInput(sentDocument(observed.request));
  checkIdentity(input, result, report);
  if (expect.outcome === "success") {
    if (result.kind === "success") checkValue("result.payload", expect.value, result.payload, report);
    else report("outcome", "a success", `${result.failureClassification}: ${result.failure.message}`);
    if (result.kind === "success") {
      same("result.metadata.content_type", RESULT_CONTENT_TYPE, result.resultMetadata?.["content_type"], report);
    }
    return;
  }
  if (result.kind === "failure") checkFailure(expect, result, input, report);
  else report("outcome", "a failure", result.kind);
  const { elapsedMs } = observed;
  if (expect.withinMs !== undefined && elapsedMs !== undefined && elapsedMs > expect.withinMs) {
    report("elapsed", `at most ${expect.withinMs} ms`, `${Math.round(elapsedMs)} ms`);
  }
}

function checkIdentity(input: ExternalTaskInput, result: ExternalTaskResult, report: Report): void {
  const { id, attempt, idempotencyKey } = input.task;
  const task = { id, kind: input.kind, attempt, idempotencyKey };
  if (!resultIsFor(result, task)) report("task", task, result.task);
  same("outcome.recorded", true, result.recorded, report);
  const { handler, carrier, durationMs } = result.metadata;
  same("metadata.handler", input.task.handler, handler, report);
  if (carrier === null || carrier === "") report("metadata.carrier", "a text that is not empty", carrier);
  if (durationMs === null) report("metadata.duration_ms", "an integer >= 0", durationMs);
}

function checkFailure(
  expect: ExpectedFailure,
  result: Extract<ExternalTaskResult, { kind: "failure" }>,
  input: ExternalTaskInput,
  report: Report,
): void {
  const { failure } = result;
  same("failure.kind", expect.kind, failure.kind, report);
  same("failure.classification", expect.classification, failure.classification, report);
  same("failure.timeout_type", expect.timeoutType ?? null, failure.timeoutType, report);
  same("failure.cancelled", expect.cancelled ?? false, failure.cancelled, report);
  same("outcome.retryable", expect.retryable, result.retryable, report);
  checkType(expect, failure.type, report);
  if (expect.messageNotEmpty === true && failure.message.trim() === "") {
    report("failure.message", "a text that is not empty", failure.message);
  }
  if (!failure.message.includes(expect.messageIncludes ?? "")) {
    report("failure.message", `a text with ${show(expect.messageIncludes)}`, failure.message);
  }
  if (expect.stackTrace === true && !failure.stackTrace) report("failure.stack_trace", "a text", failure.stackTrace);
  checkDetails(expect, failure.details, input, report);
}

function checkType({ type, ownTimeout }: ExpectedFailure, received: string | null, report: Report): void {
  if (type === undefined) return;
  if (ownTimeout !== true) same("failure.type", type, received, report);
  else if (!received) report("failure.type", `${type}, or the name of the language's own timeout`, received);
}

function checkDetails(
  expect: ExpectedFailure,
  details: JsonObject | null,
  input: ExternalTaskInput,
  report: Report,
): void {
  const { detailsName, detailsInclude, detailsTagged, ownTimeout } = expect;
  if (detailsTagged === true && details !== null && !isCodecTagged(details)) {
    report("failure.details", "null, or tagged with a codec", details);
  }
  if (detailsName === undefined && detailsInclude === undefined) return;
  if (ownTimeout === true && details === null) return;
  // That untagged details are against the contract is told by the case that asks for the tag, and by no other.
  const untagged = detailsInclude === undefined && details !== null && !isCodecTagged(details);
  const value = untagged ? (details as AvroValue) : decoded("failure.details", details, report);
  if (value === undefined) return;
  const entries = mapEntries(value);
  for (const [key, expected] of Object.entries(detailsInclude ?? {})) {
    const found = entries.get(key);
    if (found === undefined || !sameValue(lossless(expected), found)) {
      report(`failure.details, decoded, ${key}`, readable(expected), found && projectForJson(found));
    }
  }
  if (detailsName === undefined) return;
  const names = [...entries.values()];
  if (!names.includes(detailsName))
    report("failure.details, decoded", `an entry that is ${show(detailsName)}`, projectForJson(value));
  if (expect.classification === "deadline_exceeded") {
    const expiresAt = deadlineOf(input, detailsName);
    same("failure.details, decoded, expires_at", expiresAt, entries.get("expires_at"), report);
  }
}

function deadlineOf(input: ExternalTaskInput, name: DeadlineField): string | null {
  if (name === "lease.expires_at" || input.kind !== "activity_task") return input.lease.expiresAt;
  const { scheduleToStart, startToClose, scheduleToClose, heartbeat } = input.deadlines;
  switch (name) {
    case "deadlines.schedule_to_start":
      return scheduleToStart;
    case "deadlines.start_to_close":
      return startToClose;
    case "deadlines.schedule_to_close":
      return scheduleToClose;
    case "deadlines.heartbeat":
      return heartbeat;
  }
}

function checkValue(what: string, expected: AvroValue, payload: unknown, report: Report): void {
  const value = decoded(what, payload, report);
  if (value === undefined || sameValue(lossless(expected), value)) return;
  report(`${what}, decoded`, readable(expected), projectForJson(value));
}

/** Kinds kept; undefined, and reported, where it does not decode. */
function decoded(what: string, payload: unknown, report: Report): AvroValue | undefined {
  try {
    return decodePayload(payload, { lossless: true });
  } catch (error) {
    report(what, "a payload of codec avro", error instanceof Error ? error.message : error);
    return undefined;
  }
}

function lossless(value: AvroValue): AvroValue {
  return decodeAvroValue(encodeAvroValue(value), { lossless: true });
}

function readable(value: AvroValue): JsonValue {
  return projectForJson(lossless(value));
}

/** Equality of values decoded losslessly; maps are equal in any order. */
function sameValue(left: AvroValue, right: AvroValue): boolean {
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return left === right;
  if (isAvroDouble(left) || isAvroDouble(right)) {
    return isAvroDouble(left) && isAvroDouble(right) && Object.is(left.value, right.value);
  }
  if (isSequence(left) || isSequence(right)) {
    if (!isSequence(left) || !isSequence(right)) return false;
    if (Array.isArray(left) !== Array.isArray(right) || left.length !== right.length) return false;
    return Array.from<AvroValue>(left).every((item, index) => sameValue(item, right[index] ?? null));
  }
  const entries = mapEntries(left);
  const others = mapEntries(right);
  if (entries.size !== others.size) return false;
  return [...entries].every(([key, item]) => others.has(key) && sameValue(item, others.get(key) ?? null));
}

function isSequence(value: AvroValue): value is Uint8Array | readonly AvroValue[] {
  return Array.isArray(value) || value instanceof Uint8Array;
}

/** The entries of a map; none of anything else. */
function mapEntries(value: AvroValue): ReadonlyMap<string, AvroValue> {
  const isMap = typeof value === "object" && value !== null && !isSequence(value) && !isAvroDouble(value);
  return new Map<string, AvroValue>(isMap ? Object.entries(value) : []);
}

function checkHeader(name: string, text: string, headers: ConformanceObservation["headers"], report: Report): void {
  if (headers === undefined) return;
  const value = headers[name];
  if (value === undefined || !value.includes(text)) report(`headers.${name}`, text, value);
}

function same(what: string, expected: unknown, received: unknown, report: Report): void {
  if (expected !== received) report(what, expected, received);
}

/** The document that a request carries, however it was written. */
function sentDocument({ document, body }: ConformanceRequest): unknown {
  if (document !== undefined) return document;
  return parseJson(typeof body === "string" ? body : new TextDecoder().decode(body));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const LONGEST_SHOWN = 200;

/** For people to read. */
function show(value: unknown): string {
  const text = value === "" ? "an empty text" : typeof value === "string" ? value : JSON.stringify(value);
  return text === undefined
    ? "nothing"
    : text.length > LONGEST_SHOWN
      ? `${recordableText(text, LONGEST_SHOWN)}...`
      : text;
}
