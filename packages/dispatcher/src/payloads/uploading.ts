import {
  type CompletionContext,
  completionContext,
  type RuntimePayloadReference,
  writeCompletionContext,
} from "@durable-workflow/engine-protocol/external-payloads";
import type { AttemptIdentity } from "@durable-workflow/engine-protocol/worker";
import type { RecordableBlob } from "../engine/recordable.js";
import type { PayloadExchange, PayloadRefused, PayloadUnavailable, UploadOutcome } from "./exchange.js";
import type { PayloadPolicies } from "./policies.js";
import { type PayloadPatience, persist } from "./retrying.js";
import { sha256Of } from "./verified-body.js";

/** What is to become of a payload that goes to the engine. */
export type KeptPayload =
  /** It is small, or the engine keeps none: it travels inside the report. */
  | { readonly kind: "inline" }
  | { readonly kind: "uploaded"; readonly reference: RuntimePayloadReference }
  | PayloadRefused
  /** The lease or a deadline has ended before it could be kept. */
  | { readonly kind: "gone" };

export interface UploadingOptions {
  readonly exchange: Pick<PayloadExchange, "upload">;
  readonly policies: PayloadPolicies;
}

/** Which report a payload is for. */
export interface ReportedPayload {
  readonly attempt: AttemptIdentity;
  readonly operation: CompletionContext["operation"];
  readonly payload: { readonly codec: string; readonly bytes: RecordableBlob };
  /** Goes to the engine's store from this size on, whatever the engine says. Default: what the engine says. */
  readonly overBytes?: number;
}

/** Where nothing is known of the engine, a smaller payload is sent inline: engines take as much. */
const INLINE_IF_UNKNOWN_BYTES = 1024 * 1024;

/** An engine that never says is one that has to take what it is sent. */
const UNKNOWN_TRIES = 8;

type Decided = Exclude<KeptPayload, { readonly kind: "gone" }>;

/** Uploads payloads of results and failures that an engine wants to have that way. */
export class PayloadUploader {
  private readonly options: UploadingOptions;

  constructor(options: UploadingOptions) {
    this.options = options;
  }

  /** Whether a payload of so many bytes travels inside its report, where that is known without asking the engine. */
  staysInline(namespace: string, bytes: number): boolean {
    const policy = this.options.policies.fresh(namespace);
    return policy !== undefined && (policy.state !== "on" || bytes < policy.transport.thresholdBytes);
  }

  /** Never rejects. The bytes are hashed once, and sent as they are. */
  async keep(reported: ReportedPayload, patience: PayloadPatience): Promise<KeptPayload> {
    const { attempt, operation, payload } = reported;
    let sha256: string | undefined;
    // Once the engine drains, the uploads say which report they are for; no other one does.
    let completion: string | null = null;
    const kept = await persist<Decided | PayloadUnavailable>(patience, async (tries) => {
      const decision = await this.decide(reported, tries);
      if (decision.kind !== "upload") return decision;
      sha256 ??= await sha256Of(payload.bytes);
      const metadata = { codec: payload.codec, sizeBytes: payload.bytes.length, sha256 };
      const send = (): Promise<UploadOutcome> =>
        this.options.exchange.upload(
          attempt.namespace,
          { bytes: payload.bytes, metadata, completion },
          { timeoutMs: decision.timeoutMs, signal: patience.signal },
        );
      const outcome = await send();
      if (outcome.kind !== "unavailable" || !outcome.drains || !decision.takesContext || completion !== null) {
        return outcome;
      }
      completion = writeCompletionContext(completionContext(attempt, operation));
      return send();
    });
    return kept ?? { kind: "gone" };
  }

  /** How a payload is to travel, by what is known of the engine. */
  private async decide(
    { attempt: { namespace }, payload: { bytes }, overBytes = Number.POSITIVE_INFINITY }: ReportedPayload,
    tries: number,
  ): Promise<
    | { readonly kind: "inline" }
    | { readonly kind: "upload"; readonly timeoutMs: number; readonly takesContext: boolean }
    | PayloadRefused
    | PayloadUnavailable
  > {
    const policy = await this.options.policies.current(namespace);
    if (policy === undefined) {
      return bytes.length < INLINE_IF_UNKNOWN_BYTES || tries > UNKNOWN_TRIES
        ? { kind: "inline" }
        : {
            kind: "unavailable",
            why: "the engine does not say how it keeps payloads",
            retryAfterMs: undefined,
            drains: false,
          };
    }
    if (policy.state !== "on") return { kind: "inline" };
    const { thresholdBytes, maxPayloadBytes, takesUploads, takesCompletionContext, requestTimeoutSeconds, status } =
      policy.transport;
    if (bytes.length < Math.min(thresholdBytes, overBytes)) return { kind: "inline" };
    if (bytes.length > maxPayloadBytes) {
      const message = `it has ${bytes.length} bytes, where the engine keeps at most ${maxPayloadBytes}`;
      return { kind: "refused", reason: "external_payload_oversized", message };
    }
    if (!takesUploads) {
      this.options.policies.doubt(namespace);
      return { kind: "unavailable", why: `the engine's storage is ${status}`, retryAfterMs: undefined, drains: false };
    }
    return { kind: "upload", timeoutMs: requestTimeoutSeconds * 1000, takesContext: takesCompletionContext };
  }
}
