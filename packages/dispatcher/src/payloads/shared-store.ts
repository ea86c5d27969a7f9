import {
  AVRO_CODEC,
  isPlainText,
  parseExternalPayloadReference,
  type StoredPayloadEnvelope,
  serializeExternalPayloadReference,
} from "@durable-workflow/carrier/protocol";
import type { BlobPayload } from "../net/blob-bytes.js";
import { abortSignalOf } from "../time/call-off.js";
import type { PayloadRefused, PayloadUnavailable } from "./exchange.js";
import { type PayloadPatience, persist } from "./retrying.js";
import { sha256Of } from "./verified-body.js";

/** The part of a carrier's storage driver that is needed here; those of `@durable-workflow/carrier/storage` fit. */
export interface SharedStorageDriver {
  /** Of the URIs that it gives out, in lower case. */
  readonly scheme: string;
  /** Other schemes that it reads. Default none. */
  readonly aliases?: readonly string[];
  /** Whether it reads a URI of its scheme. Default: all of them. */
  accepts?(uri: string): boolean;
  put(
    data: Uint8Array,
    options: { readonly sha256: string; readonly codec: typeof AVRO_CODEC; readonly signal?: AbortSignal | undefined },
  ): Promise<string>;
  get(
    uri: string,
    options: { readonly sizeBytes?: number | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<Uint8Array>;
}

/** A store that this dispatcher and its carriers both reach, for what is too large for a carrier's requests or answers. */
export interface SharedStorage {
  readonly driver: SharedStorageDriver;
  /**
   * Arguments whose blob is larger are put there, and the carrier is sent a reference (`external_storage`), which its own
   * option `externalStorage` reads; so are results that it answers with a reference. Take what the carrier's platform
   * accepts, less some room. Objects stay there until the store's own rules remove them.
   */
  readonly overBytes: number;
}

/** Puts payloads into the shared store, and reads those that carriers put there. Nothing here rejects. */
export class SharedStore {
  readonly overBytes: number;
  private readonly driver: SharedStorageDriver;

  constructor({ driver, overBytes }: SharedStorage) {
    this.driver = driver;
    this.overBytes = overBytes;
  }

  /** Undefined when the lease or a deadline has ended before it was stored. */
  async store({ bytes }: BlobPayload, patience: PayloadPatience): Promise<StoredPayloadEnvelope | undefined> {
    const sha256 = await sha256Of(bytes);
    const stored = await persist(patience, async () => {
      try {
        const uri = await this.driver.put(bytes, { sha256, codec: AVRO_CODEC, signal: abortSignalOf(patience.signal) });
        return { kind: "stored" as const, uri };
      } catch {
        return failed("the shared store does not take the arguments");
      }
    });
    if (stored === undefined) return undefined;
    const reference = { uri: stored.uri, sha256, sizeBytes: bytes.length, codec: AVRO_CODEC, expiresAt: null } as const;
    return { codec: AVRO_CODEC, external_storage: serializeExternalPayloadReference(reference) };
  }

  /** What a carrier has stored. Undefined when the lease or a deadline has ended before it could be read. */
  async load(
    wire: unknown,
    mostBytes: number,
    patience: PayloadPatience,
  ): Promise<{ readonly kind: "loaded"; readonly payload: BlobPayload } | PayloadRefused | undefined> {
    let reference: ReturnType<typeof parseExternalPayloadReference>;
    try {
      reference = parseExternalPayloadReference(wire);
    } catch (error) {
      return refused("unsupported", error instanceof Error ? error.message : "the reference cannot be read");
    }
    const { uri, sizeBytes, sha256 } = reference;
    const { scheme, aliases = [] } = this.driver;
    const isKnown = [scheme, ...aliases].some((name) => uri.toLowerCase().startsWith(`${name}:`));
    const isOurs = isKnown && (this.driver.accepts?.(uri) ?? true);
    if (!isOurs) return refused("unsupported", "the carrier refers to a place outside the shared store");
    if (sizeBytes > mostBytes)
      return refused("oversized", `it has ${sizeBytes} bytes, and at most ${mostBytes} are read`);
    return persist(patience, async () => {
      let data: Uint8Array;
      try {
        data = await this.driver.get(uri, { sizeBytes, signal: abortSignalOf(patience.signal) });
      } catch (error) {
        if (isFinal(error)) return refused("integrity_mismatch", "what is stored is not what the reference speaks of");
        return failed("the shared store does not give the result");
      }
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      if (bytes.length !== sizeBytes || (await sha256Of(bytes)) !== sha256) {
        return refused("integrity_mismatch", "what is stored has another size or SHA-256");
      }
      if (!isPlainText(bytes)) return refused("unsupported", "what is stored is no text of a payload");
      return { kind: "loaded" as const, payload: { codec: AVRO_CODEC, bytes } };
    });
  }
}

/** A driver's own word that the bytes are others: they will not be the right ones later. */
function isFinal(error: unknown): boolean {
  return error instanceof Error && error.name === "ExternalPayloadIntegrityError";
}

function failed(why: string): PayloadUnavailable {
  return { kind: "unavailable", why, retryAfterMs: undefined, drains: false };
}

function refused(reason: string, message: string): PayloadRefused {
  return { kind: "refused", reason: `external_payload_${reason}`, message };
}
