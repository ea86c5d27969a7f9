import {
  isVisibleText,
  recordableName,
  recordableText,
  recordableTextInBytes,
} from "@durable-workflow/carrier/protocol";
import { FAILURE_REPORT_BYTES, isObject } from "@durable-workflow/engine-protocol";
import type { FailureReport, ReportedPayload, ResultReport } from "@durable-workflow/engine-protocol/worker";
import type { Scrubber } from "../net/secrets.js";

/**
 * The only way of text and details to the engine. What is made here is mended, within the limits of released SDKs, and without
 * the credentials in use; `EngineClient` takes nothing else.
 */
declare const RECORDABLE: unique symbol;
export type RecordableFailure = FailureReport & { readonly [RECORDABLE]: true };
export type RecordableResult = { readonly payload: ResultReport; readonly [RECORDABLE]: true };

/** The bytes of a payload that are uploaded for a report; `PayloadExchange` takes nothing else. */
export type RecordableBlob = Buffer & { readonly [RECORDABLE]: true };

/** What the rest of a report takes at most: ids, and the names of fields. */
const IDENTITY_BYTES = 4_096;
/** What the note about parts that were left out takes at most: it counts as one of the optional parts. */
const DIAGNOSTICS_BYTES = 256;
/** Texts are not cut below this: what is left must still say something. */
const SHORTEST_TEXT_BYTES = 256;

const TRUNCATED = "\n[truncated]";
const NO_MESSAGE = "The activity failed without a message.";

/**
 * A failure as an engine takes it, within the four limits of released SDKs. Details go whole or not at all; then the stack and
 * the message are cut. `diagnostics.failure_report.omitted_fields` says of what was cut how many bytes it had.
 *
 * @param mostBytes of the whole report. Default 1 MiB
 */
export function recordableFailure(
  failure: FailureReport,
  scrubber: Scrubber,
  mostBytes: number = FAILURE_REPORT_BYTES.body,
): RecordableFailure {
  const { message, type, stack_trace: stack, details, ...rest } = failure;
  const clean = scrubber.scrub(message);
  const name = type === undefined ? null : recordableName(scrubber.scrub(type));
  const kept = details === null ? null : recordablePayload(details, scrubber);
  const texts = {
    message: isVisibleText(clean) ? clean : NO_MESSAGE,
    stack: stack === undefined ? undefined : scrubber.scrub(stack),
    details: kept,
  };
  const make = (limits: Limits): RecordableFailure => {
    const bytes = texts.details === null ? 0 : jsonBytes(texts.details);
    const tooLarge = bytes > limits.details;
    const note = tooLarge ? ` (Without its details: ${bytes} bytes, where ${limits.details} are kept.)` : "";
    const shownMessage = truncated(texts.message, limits.message - note.length) + note;
    const shownStack = texts.stack === undefined ? undefined : truncated(texts.stack, limits.stack);
    const omitted = {
      ...(Buffer.byteLength(texts.message) > limits.message - note.length
        ? { message: Buffer.byteLength(texts.message) }
        : {}),
      ...(texts.stack !== undefined && Buffer.byteLength(texts.stack) > limits.stack
        ? { stack_trace: Buffer.byteLength(texts.stack) }
        : {}),
      ...(tooLarge ? { details: bytes } : {}),
    };
    return {
      ...rest,
      message: shownMessage,
      ...(name === null ? {} : { type: name }),
      ...(shownStack === undefined ? {} : { stack_trace: shownStack }),
      details: tooLarge ? null : kept,
      ...(Object.keys(omitted).length === 0 ? {} : { diagnostics: { failure_report: { omitted_fields: omitted } } }),
    } as RecordableFailure;
  };
  const fits = (made: RecordableFailure): boolean => jsonBytes(made) + IDENTITY_BYTES <= mostBytes;
  let limits: Limits = {
    message: FAILURE_REPORT_BYTES.message,
    stack: FAILURE_REPORT_BYTES.stackTrace,
    details: FAILURE_REPORT_BYTES.metadata - DIAGNOSTICS_BYTES,
  };
  let made = make(limits);
  if (!fits(made) && made.details !== null) made = make((limits = { ...limits, details: 0 }));
  while (!fits(made) && (limits.message > SHORTEST_TEXT_BYTES || limits.stack > SHORTEST_TEXT_BYTES)) {
    limits = { ...limits, message: halved(limits.message), stack: halved(limits.stack) };
    made = make(limits);
  }
  return made;
}

interface Limits {
  readonly message: number;
  readonly stack: number;
  readonly details: number;
}

function halved(bytes: number): number {
  return Math.max(SHORTEST_TEXT_BYTES, Math.floor(bytes / 2));
}

function jsonBytes(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** A result as an engine takes it: what it holds is the engine's to judge. */
export function recordableResult(result: ResultReport, scrubber: Scrubber): RecordableResult {
  return { payload: result === null ? null : recordablePayload(result, scrubber) } as RecordableResult;
}

/** The bytes of a blob as an engine takes them. */
export function recordableBlob(bytes: Buffer, scrubber: Scrubber): RecordableBlob {
  return scrubber.scrubBlob(bytes) as RecordableBlob;
}

/** The beginning of a text of others, on one line, for messages and events. @param most UTF-16 code units */
export function excerpt(text: string, most: number): string {
  return recordableText(text, most).replaceAll(/\s+/g, " ").trim();
}

/** The beginning of a text of others, as it stands. @param most UTF-16 code units */
export function preview(text: string, most: number): string {
  return recordableText(text, most);
}

function truncated(text: string, mostBytes: number): string {
  const whole = recordableTextInBytes(text, mostBytes);
  // Mending changes no length that counts here: a replacement takes as many bytes as half a pair, and NUL becomes longer.
  return Buffer.byteLength(text) <= mostBytes && whole.length === text.length
    ? whole
    : recordableTextInBytes(text, mostBytes - TRUNCATED.length) + TRUNCATED;
}

function recordablePayload(payload: ReportedPayload, scrubber: Scrubber): ReportedPayload {
  // The engine's own words.
  if ("external_payload" in payload) return payload;
  const codec = recordableText(payload.codec);
  if ("blob" in payload) return { codec, blob: scrubber.scrubBase64(recordableBlobText(payload.blob)) };
  return { codec, external_storage: scrubbedValue(payload.external_storage, scrubber) } as ReportedPayload;
}

/** Most blobs are as they should be, which two searches tell sooner than a pattern. */
function recordableBlobText(blob: string): string {
  return blob.isWellFormed() && !blob.includes("\0") ? blob : recordableText(blob);
}

function scrubbedValue(value: unknown, scrubber: Scrubber): unknown {
  if (typeof value === "string") return recordableText(scrubber.scrub(value));
  if (Array.isArray(value)) return value.map((item) => scrubbedValue(item, scrubber));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, scrubbedValue(item, scrubber)]));
}
