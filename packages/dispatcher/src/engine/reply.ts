import type { JsonObject } from "@durable-workflow/carrier/protocol";
import { isObject } from "@durable-workflow/engine-protocol";
import { type LeanText, parseLean } from "../net/blob-bytes.js";
import { preview } from "./recordable.js";

/** An answer of the engine in its own terms. */
export interface EngineReply {
  readonly kind: "reply";
  readonly status: number;
  readonly body: JsonObject;
  /** The engine's word for what is wrong; null for none. Only this is uniform among its errors. */
  readonly reason: string | null;
  /** The engine's sentence about it, shortened. */
  readonly message: string;
  /** What `Retry-After` asks for; undefined when it does not. */
  readonly retryAfterMs: number | undefined;
  /** What its `Date` says, in milliseconds. */
  readonly dateMs?: number;
}

/** No answer, or none that can be used: whether the engine did what was asked is not known. */
export interface BrokenReply {
  readonly kind: "broken";
  readonly why: BrokenWhy;
  /** Null where not even a status came. */
  readonly status: number | null;
  readonly retryAfterMs: number | undefined;
}

export type BrokenWhy =
  | "unreachable" // no connection, or it broke
  | "timeout" // nothing came in time
  | "cut_off" // the body ended too early
  | "redirect" // which is not followed: the token would go along
  | "not_json" // a page of a proxy, or no JSON object
  | "too_large" // more than any answer of an engine
  | "aborted"; // by this dispatcher

export type EngineAnswer = EngineReply | BrokenReply;

const LONGEST_MESSAGE = 500;
const LONGEST_RETRY_AFTER_MS = 60_000;

/** Reads an answer whose body has come. A body that is cut off is broken JSON, and so is a page of a proxy. */
export function readReply(status: number, text: LeanText, retryAfter: string | undefined, nowMs: number): EngineAnswer {
  const retryAfterMs = readRetryAfter(retryAfter, nowMs);
  let body: unknown;
  try {
    body = parseLean(text);
  } catch {
    body = undefined;
  }
  if (!isObject(body)) return { kind: "broken", why: "not_json", status, retryAfterMs };
  return replyOf(status, body, retryAfterMs);
}

/** An answer as its status and its body say. @param retryAfterMs what its header asks for; undefined for nothing */
export function replyOf(status: number, body: JsonObject, retryAfterMs: number | undefined): EngineReply {
  const { reason, error, message } = body;
  const sentence = [error, message, reason].find((field) => typeof field === "string" && field !== "");
  return {
    kind: "reply",
    status,
    body,
    reason: typeof reason === "string" ? reason : null,
    message: typeof sentence === "string" ? preview(sentence, LONGEST_MESSAGE) : `status ${status}`,
    retryAfterMs: retryAfterMs ?? readSeconds(body["retry_after_seconds"]),
  };
}

/** Seconds or an HTTP date, as milliseconds from now: at least 0, at most a minute. */
export function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const trimmed = header.trim();
  if (/^\d+$/.test(trimmed)) return readSeconds(Number(trimmed));
  const date = /[a-z]/i.test(trimmed) ? Date.parse(trimmed) : Number.NaN;
  return Number.isNaN(date) ? undefined : bounded(date - nowMs);
}

function readSeconds(seconds: unknown): number | undefined {
  return typeof seconds === "number" && seconds >= 0 ? bounded(seconds * 1000) : undefined;
}

function bounded(ms: number): number {
  return Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, ms));
}
