import type { PayloadEnvelope } from "@durable-workflow/carrier/protocol";
import {
  isVisibleText,
  recordableName,
  recordableText,
  recordableTextInBytes,
} from "@durable-workflow/carrier/protocol";
import { isObject } from "@durable-workflow/engine-protocol";
import type { FailureReport, ResultReport } from "@durable-workflow/engine-protocol/worker";
import type { Scrubber } from "../net/secrets.js";

/**
 * The only way of text and details to the engine. What is made here is mended, within the limits of released SDKs, and without
 * the credentials in use; `EngineClient` takes nothing else.
 */
declare const RECORDABLE: unique symbol;
export type RecordableFailure = FailureReport & { readonly [RECORDABLE]: true };
export type RecordableResult = { readonly payload: ResultReport; readonly [RECORDABLE]: true };

/** Limits of the released SDKs, in bytes of UTF-8; servers keep a message in 65,535. */
export const LONGEST_MESSAGE_BYTES = 63_488;
export const LONGEST_STACK_BYTES = 131_072;
export const LONGEST_DETAILS_BYTES = 65_536;

const TRUNCATED = "\n[truncated]";
const NO_MESSAGE = "The activity failed without a message.";

/** A failure as an engine takes it. */
export function recordableFailure(failure: FailureReport, scrubber: Scrubber): RecordableFailure {
  const { message, type, stack_trace: stack, details, ...rest } = failure;
  const clean = scrubber.scrub(message);
  const name = type === undefined ? null : recordableName(scrubber.scrub(type));
  const kept = details === null ? null : recordablePayload(details, scrubber);
  const bytes = kept === null ? 0 : Buffer.byteLength(JSON.stringify(kept));
  const tooLarge = bytes > LONGEST_DETAILS_BYTES;
  const note = tooLarge ? ` (Without its details: ${bytes} bytes, where ${LONGEST_DETAILS_BYTES} are kept.)` : "";
  return {
    ...rest,
    message: truncated(isVisibleText(clean) ? clean : NO_MESSAGE, LONGEST_MESSAGE_BYTES - note.length) + note,
    ...(name === null ? {} : { type: name }),
    ...(stack === undefined ? {} : { stack_trace: truncated(scrubber.scrub(stack), LONGEST_STACK_BYTES) }),
    details: tooLarge ? null : kept,
  } as RecordableFailure;
}

/** A result as an engine takes it: what it holds is the engine's to judge. */
export function recordableResult(result: ResultReport, scrubber: Scrubber): RecordableResult {
  return { payload: result === null ? null : recordablePayload(result, scrubber) } as RecordableResult;
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

function recordablePayload(payload: PayloadEnvelope, scrubber: Scrubber): PayloadEnvelope {
  const codec = recordableText(payload.codec);
  if ("blob" in payload) return { codec, blob: scrubber.scrubBase64(recordableText(payload.blob)) };
  return { codec, external_storage: scrubbedValue(payload.external_storage, scrubber) } as PayloadEnvelope;
}

function scrubbedValue(value: unknown, scrubber: Scrubber): unknown {
  if (typeof value === "string") return recordableText(scrubber.scrub(value));
  if (Array.isArray(value)) return value.map((item) => scrubbedValue(item, scrubber));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, scrubbedValue(item, scrubber)]));
}
