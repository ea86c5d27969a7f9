import { createHash } from "node:crypto";
import { at, isObject } from "@durable-workflow/engine-protocol";
import type { ActivityDescription, DescribedFailure, HistoryEvent } from "@durable-workflow/engine-protocol/control";
import type { PayloadSlot, PayloadText } from "../api/index.js";
import type { EngineCalls } from "../engine/engine-calls.js";
import { Problem } from "../problem.js";
import { bytesOf, jsonOf, type Told, toldOf } from "../view/payload.js";
import { inputOf } from "../view/server-detail.js";
import { Permits } from "./permits.js";

/** Base64 characters of the largest payload that is fetched. */
const LARGEST = 48 * 1024 * 1024;
/** Characters of decoded text that are kept for whoever reads on. */
const KEPT_CHARACTERS = 64 * 1024 * 1024;
/** Payloads that are read at the same time. */
const AT_ONCE = 2;

export interface PayloadName {
  readonly id: string;
  readonly runId: string;
  readonly slot: PayloadSlot;
  readonly attempt: number | undefined;
}

interface Read {
  readonly text: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly isVerified: boolean;
}

/** Fetches and decodes payloads, two at a time, and keeps the last ones for those who read them by parts. */
export class PayloadReader {
  private readonly calls: EngineCalls;
  private readonly permits = new Permits(AT_ONCE);
  /** The last one used is the last. */
  private readonly kept = new Map<string, Read>();

  constructor(calls: EngineCalls) {
    this.calls = calls;
  }

  /** A part of the exact JSON text. */
  async part(
    name: PayloadName,
    { offset, length }: { readonly offset: number; readonly length: number },
  ): Promise<Omit<PayloadText, "asOf">> {
    const { text, sizeBytes, sha256, isVerified } = await this.read(name);
    const end = endOf(text, offset + length);
    return {
      text: text.slice(offset, end),
      offset,
      totalCharacters: text.length,
      nextOffset: end < text.length ? end : null,
      sizeBytes,
      sha256,
      isVerified,
    };
  }

  /** The encoded bytes, verified. */
  async bytes(name: PayloadName): Promise<Buffer> {
    return this.permits.with(async () => {
      const { blob } = await this.envelope(await this.find(name));
      return Buffer.from(blob, "base64");
    });
  }

  /** A payload as it can be sent back to the engine: the same envelope, or a reference to the same bytes. */
  async again(id: string, runId: string): Promise<object | undefined> {
    const told = inputOf((await this.calls.history(id, runId, { page_size: "3" })).events);
    if (told === undefined) return undefined;
    if ("reference" in told) return { codec: told.codec, external_payload: told.reference };
    if ("blob" in told) return { codec: told.codec, blob: told.blob };
    throw new Problem("unsupported", "the arguments of this activity are held where only carriers can read them", {
      hint: "Give the arguments anew.",
    });
  }

  private async read(name: PayloadName): Promise<Read> {
    const key = JSON.stringify(Object.values(name));
    const known = this.kept.get(key);
    if (known !== undefined) {
      this.kept.delete(key);
      this.kept.set(key, known);
      return known;
    }
    const read = await this.permits.with(
      async () => this.kept.get(key) ?? decoded(await this.envelope(await this.find(name))),
    );
    this.kept.set(key, read);
    this.forget();
    return read;
  }

  private forget(): void {
    let characters = 0;
    for (const { text } of this.kept.values()) characters += text.length;
    for (const [key, { text }] of this.kept) {
      if (characters <= KEPT_CHARACTERS || this.kept.size === 1) return;
      this.kept.delete(key);
      characters -= text.length;
    }
  }

  private async find({ id, runId, slot, attempt }: PayloadName): Promise<Told> {
    const told = await this.tellOf(id, runId, slot, attempt);
    if (told !== undefined) return told;
    throw new Problem("not_found", `there is no ${slot.replaceAll("_", " ")} of this run`);
  }

  private async tellOf(
    id: string,
    runId: string,
    slot: PayloadSlot,
    attempt: number | undefined,
  ): Promise<Told | undefined> {
    if (slot === "input") return inputOf((await this.calls.history(id, runId, { page_size: "3" })).events);
    const description = await this.calls.describe(id);
    if (description.workflow_run_id === runId) return toldIn(description, slot, attempt);
    return toldInHistory(await this.wholeHistory(id, runId), slot, attempt);
  }

  private async wholeHistory(id: string, runId: string): Promise<readonly HistoryEvent[]> {
    const events: HistoryEvent[] = [];
    let token: string | undefined;
    for (let pages = 0; pages < 20; pages++) {
      const page = await this.calls.history(id, runId, { next_page_token: token });
      events.push(...page.events);
      token = page.next_page_token ?? undefined;
      if (token === undefined) break;
    }
    return events;
  }

  /** Its text, verified where a reference says what it has to be. */
  private async envelope(
    told: Told,
  ): Promise<{ readonly codec: string; readonly blob: string; readonly isVerified: boolean }> {
    if ("unreadable" in told || "length" in told) {
      const why = "unreadable" in told ? told.unreadable : "its bytes are not here";
      throw new Problem("unsupported", `the payload cannot be fetched: ${why}`);
    }
    if ("blob" in told) return { ...told, isVerified: false };
    const { reference } = told;
    if (reference.size_bytes > LARGEST) {
      throw new Problem(
        "too_large",
        `the payload has ${reference.size_bytes} characters; the page fetches at most ${LARGEST}`,
        {
          hint: "dw-carrier show ID --output FILE writes it to a file.",
        },
      );
    }
    const blob = await this.calls.download(reference);
    if (blob.length !== reference.size_bytes || createHash("sha256").update(blob).digest("hex") !== reference.sha256) {
      throw new Problem("engine_error", "the payload is not what its reference says: size or SHA-256 differ", {
        hint: "Something between here and the engine changes its answers.",
      });
    }
    return { codec: told.codec, blob, isVerified: true };
  }
}

function decoded(envelope: { readonly codec: string; readonly blob: string; readonly isVerified: boolean }): Read {
  const read = jsonOf(envelope);
  if ("problem" in read) throw new Problem("unsupported", `the payload cannot be decoded: ${read.problem}`);
  const { blob, isVerified } = envelope;
  return {
    text: read.json,
    sizeBytes: bytesOf(blob.length, blob),
    sha256: createHash("sha256").update(blob).digest("hex"),
    isVerified,
  };
}

/** Not between the two halves of a character. */
function endOf(text: string, end: number): number {
  if (end >= text.length) return text.length;
  const before = text.charCodeAt(end - 1);
  return before >= 0xd8_00 && before <= 0xdb_ff ? end - 1 || end : end;
}

function toldIn(description: ActivityDescription, slot: PayloadSlot, attempt: number | undefined): Told | undefined {
  if (slot === "result") return description.status === "completed" ? toldOf(description.result) : undefined;
  const failure =
    slot === "details"
      ? description.failure
      : description.attempts?.find(({ attempt_number: number }) => number === attempt)?.failure;
  return detailsOf(failure);
}

function detailsOf(failure: DescribedFailure | null | undefined): Told | undefined {
  const details = failure?.details;
  return isObject(details) && ("blob" in details || "external_payload" in details) ? toldOf(details) : undefined;
}

function toldInHistory(
  events: readonly HistoryEvent[],
  slot: PayloadSlot,
  attempt: number | undefined,
): Told | undefined {
  const ofType = (...types: readonly string[]): HistoryEvent | undefined =>
    events.findLast(({ event_type: type }) => types.includes(type));
  if (slot === "result") {
    return toldOf(at(ofType("ActivityCompleted")?.payload ?? {}, "result"));
  }
  const event =
    slot === "details"
      ? ofType("ActivityFailed", "ActivityTimedOut")
      : events.find(
          ({ event_type: type, payload }) =>
            (type === "ActivityRetryScheduled" && at(payload, "retry_after_attempt") === attempt) ||
            (type === "ActivityFailed" && at(payload, "attempt_number") === attempt),
        );
  const exception = at(event?.payload ?? {}, "exception");
  const details = at(exception, "details");
  return typeof details === "string" || isObject(details) ? toldOf(details) : undefined;
}
