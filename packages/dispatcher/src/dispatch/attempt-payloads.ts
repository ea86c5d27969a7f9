import type { JsonObject } from "@durable-workflow/carrier/protocol";
import { FAILURE_REPORT_BYTES } from "@durable-workflow/engine-protocol";
import type { FailureReport, LeasedTask, ReportedPayload } from "@durable-workflow/engine-protocol/worker";
import type { MappedReport, Report } from "../delivery/result-mapping.js";
import { recordableBlob } from "../engine/recordable.js";
import type { EventStream, TaskFacts } from "../events/events.js";
import { type BlobPayload, blobPayloadOf, releaseBlob } from "../net/blob-bytes.js";
import type { Scrubber } from "../net/secrets.js";
import type { Held } from "../payloads/byte-budget.js";
import type { PayloadRefused } from "../payloads/exchange.js";
import { payloadFailure } from "../payloads/failures.js";
import type { Payloads } from "../payloads/payloads.js";
import type { PayloadPatience } from "../payloads/retrying.js";
import type { StopSignal } from "../time/call-off.js";
import type { Clock } from "../time/clock.js";

export interface AttemptPayloadsDeps {
  readonly task: LeasedTask;
  readonly facts: TaskFacts;
  readonly payloads: Payloads;
  readonly clock: Clock;
  readonly events: EventStream;
  readonly scrubber: Scrubber;
  /** Milliseconds until the lease or a deadline of the attempt has passed. */
  readonly left: () => number;
  /** Gives up when aborted. */
  readonly signal: StopSignal;
}

/** What a carrier is sent. */
export type ReadyArguments =
  /** `task` holds what is not sent as bytes. */
  | { readonly kind: "ready"; readonly task: LeasedTask; readonly payload: BlobPayload | undefined }
  | { readonly kind: "failed"; readonly failure: FailureReport }
  | { readonly kind: "gone" };

/** A report that is fit to be sent. */
export type ReadyReport =
  | { readonly kind: "ready"; readonly report: Report }
  /** Nothing can be reported any more. */
  | { readonly kind: "gone"; readonly reason: string };

/** Larger ones have no room in a report beside what else is optional there. */
const LARGEST_DETAILS_BYTES = FAILURE_REPORT_BYTES.metadata - 1024;
/** Payloads without a verdict end nothing: whoever holds the task next tries anew. */
const UNAVAILABLE = "payload_unavailable";
/** The engine takes no report of this lease any more. */
const LEASE_REJECTED = "external_payload_completion_lease_rejected";
/** What is no longer has room in every report. */
const SHORT_BLOB_LENGTH = 4096;
const MOST_BYTES_OF_A_CHARACTER = 3;
/** Where the engine has no limit of its own. */
const MOST_STORED_BYTES = 256 * 1024 * 1024;

/** The large payloads of one attempt: fetched before its delivery, uploaded before its report, and counted meanwhile. */
export class AttemptPayloads {
  private readonly deps: AttemptPayloadsDeps;
  private argumentRoom: Held | undefined;
  private areInUse = false;
  private resultRoom: Held | undefined;

  constructor(deps: AttemptPayloadsDeps) {
    this.deps = deps;
  }

  /** The arguments as a carrier can read them. */
  async fetchArguments(): Promise<ReadyArguments> {
    const { task, payloads, clock } = this.deps;
    const startedAt = clock.monotonic();
    const resolved = await payloads.fetcher.resolve(task, this.patience("fetch"));
    switch (resolved.kind) {
      case "as_sent": {
        const large = payloads.sharedStore && inlineOver(payloads.sharedStore.overBytes, task.arguments);
        return large === undefined
          ? { kind: "ready", task, payload: blobPayloadOf(task.arguments) }
          : this.share(large);
      }
      case "gone":
        return resolved;
      case "refused":
        return { kind: "failed", failure: payloadFailure("arguments", this.told("fetch", resolved)) };
      case "fetched": {
        const { payload, held } = resolved;
        this.argumentRoom = held;
        this.moved("fetched", payload, startedAt);
        const { sharedStore } = payloads;
        if (sharedStore === undefined || payload.bytes.length <= sharedStore.overBytes) {
          return { kind: "ready", task, payload };
        }
        const shared = await this.share(payload);
        held.release();
        return shared;
      }
    }
  }

  /** Arguments in the store that the carrier reaches, too. */
  private async share(payload: BlobPayload): Promise<ReadyArguments> {
    const { task, payloads } = this.deps;
    const stored = await payloads.sharedStore?.store(payload, this.patience("fetch"));
    return stored === undefined
      ? { kind: "gone" }
      : { kind: "ready", task: { ...task, arguments: { ...stored } }, payload: undefined };
  }

  /** Room for an answer, at once where there is some. That of a try before is given back. */
  roomFor(bytes: number): Promise<Held | undefined> | Held | undefined {
    const { payloads, signal } = this.deps;
    this.resultRoom?.release();
    const room = payloads.resultBudget.acquire(bytes, signal);
    if (!(room instanceof Promise)) return (this.resultRoom = room);
    this.resultRoom = undefined;
    return room.then((held) => (this.resultRoom = held));
  }

  /** The arguments may be read when delivery is over, too: their memory must not become that of others. */
  stayInUse(): void {
    this.areInUse = true;
  }

  /** Delivery is over: nothing is sent again. */
  delivered(): void {
    this.argumentRoom?.release();
    if (!this.areInUse) releaseBlob(this.deps.task.arguments);
  }

  /** Gives all room back. */
  release(): void {
    this.delivered();
    this.resultRoom?.release();
  }

  /** The report with its payload where the engine wants it: inside, or uploaded before. */
  async uploadFor({ report, large }: MappedReport): Promise<ReadyReport> {
    const envelope = report.kind === "complete" ? report.result : report.failure.details;
    if (envelope === null || "external_payload" in envelope) return { kind: "ready", report };
    if ("blob" in envelope) {
      if (large !== undefined) return this.upload(report, large);
      if (this.staysAsItIs(envelope.blob)) return { kind: "ready", report };
      // Whatever it is, base64 or not: inline it goes as the carrier wrote it.
      return this.upload(report, { codec: envelope.codec, bytes: Buffer.from(envelope.blob) }, report);
    }
    const { task, payloads } = this.deps;
    // Without that store the reference is the engine's to read, and the engines that can are older ones.
    if (payloads.sharedStore === undefined) return { kind: "ready", report };
    const most = await payloads.responseLimit(task.namespace, MOST_STORED_BYTES);
    const loaded = await payloads.sharedStore.load(envelope.external_storage, most, this.patience("upload"));
    if (loaded === undefined) return { kind: "gone", reason: UNAVAILABLE };
    if (loaded.kind === "refused") return { kind: "ready", report: this.without(report, loaded) };
    return this.upload(report, loaded.payload);
  }

  /** Whether nothing is to be done for a blob, which is so for most. */
  private staysAsItIs(blob: string): boolean {
    const { task, payloads, signal, left } = this.deps;
    if (blob.length > SHORT_BLOB_LENGTH || signal.aborted || left() <= 0) return false;
    return payloads.uploader.staysInline(task.namespace, blob.length * MOST_BYTES_OF_A_CHARACTER);
  }

  /** @param inline the report where the payload stays in it. Default: made of the bytes */
  private async upload(report: Report, payload: BlobPayload, inline?: Report): Promise<ReadyReport> {
    const { task, payloads, clock, scrubber } = this.deps;
    const startedAt = clock.monotonic();
    const isDetails = report.kind === "fail";
    const bytes = recordableBlob(payload.bytes, scrubber);
    const kept = await payloads.uploader.keep(
      {
        attempt: task,
        operation: report.kind,
        payload: { codec: payload.codec, bytes },
        // Larger details are left out of a report; uploaded, they are in it as a reference.
        ...(isDetails ? { overBytes: LARGEST_DETAILS_BYTES } : {}),
      },
      this.patience("upload"),
    );
    switch (kept.kind) {
      case "inline":
        if (inline !== undefined) return { kind: "ready", report: inline };
        return { kind: "ready", report: withPayload(report, { codec: payload.codec, blob: bytes.toString("latin1") }) };
      case "uploaded":
        this.moved("uploaded", payload, startedAt);
        return {
          kind: "ready",
          report: withPayload(report, { codec: kept.reference.codec, external_payload: { ...kept.reference } }),
        };
      case "gone":
        return { kind: "gone", reason: UNAVAILABLE };
      case "refused":
        if (kept.reason === LEASE_REJECTED) return { kind: "gone", reason: kept.reason };
        return { kind: "ready", report: this.without(report, kept) };
    }
  }

  /** What is reported where the payload cannot be kept: a failure counts without its details, a result does not. */
  private without(report: Report, refused: PayloadRefused): Report {
    this.told("upload", refused);
    if (report.kind === "complete") return { kind: "fail", failure: payloadFailure("result", refused) };
    const { message } = report.failure;
    const note = `(Without its details, which the engine does not keep: ${refused.reason}.)`;
    return { kind: "fail", failure: { ...report.failure, message: `${message} ${note}`, details: null } };
  }

  private told(direction: "fetch" | "upload", refused: PayloadRefused): PayloadRefused {
    const { events, facts } = this.deps;
    const { reason, message } = refused;
    events.emit({ type: "payload_refused", task: facts, direction, reason, message });
    return refused;
  }

  private moved(direction: "fetched" | "uploaded", { bytes }: BlobPayload, startedAt: number): void {
    const { events, facts, clock } = this.deps;
    const durationMs = clock.monotonic() - startedAt;
    events.emit({ type: "payload_moved", task: facts, direction, bytes: bytes.length, durationMs });
  }

  private patience(direction: "fetch" | "upload"): PayloadPatience {
    const { clock, left, signal, events, facts } = this.deps;
    return {
      clock,
      left,
      signal,
      onRetry: (why, retryInMs, tries) =>
        events.emit({ type: "payload_retried", task: facts, direction, why, tries, retryInMs }),
    };
  }
}

/** The payload of an envelope that holds it itself, where that is longer; a copy: whoever stores it may keep it. */
function inlineOver(mostBytes: number, envelope: JsonObject | null): BlobPayload | undefined {
  const known = blobPayloadOf(envelope);
  if (known !== undefined) {
    return known.bytes.length > mostBytes ? { codec: known.codec, bytes: Buffer.from(known.bytes) } : undefined;
  }
  const { codec, blob } = envelope ?? {};
  if (typeof codec !== "string" || typeof blob !== "string" || Buffer.byteLength(blob) <= mostBytes) return undefined;
  return { codec, bytes: Buffer.from(blob) };
}

function withPayload(report: Report, payload: ReportedPayload): Report {
  return report.kind === "complete"
    ? { kind: "complete", result: payload }
    : { kind: "fail", failure: { ...report.failure, details: payload } };
}
