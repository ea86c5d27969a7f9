import { AVRO_CODEC } from "../../protocol/constants.js";
import type { JsonObject } from "../../protocol/fields.js";
import { parseServerUrl } from "../../protocol/heartbeat-endpoint.js";
import { knownOptions, type OptionNames } from "../../protocol/options.js";
import type { ExternalPayloadReference } from "../../protocol/payload-reference.js";
import {
  isRuntimePayload,
  type RuntimePayloadReference,
  readRuntimePayloadReference,
  runtimePayloadEnvelope,
} from "../../protocol/runtime-payload.js";
import type { InlinePayloadEnvelope, PayloadEnvelope } from "../../protocol/wire.js";
import { ExternalPayloadCache } from "../cache.js";
import { isExternalPayloadIntegrityError } from "../errors.js";
import { externalStorageFailure } from "../failures.js";
import type { ExternalStorageFailure, PayloadStorage } from "../payload-storage.js";
import type { PayloadFetch } from "./engine-fetch.js";
import { EnginePayloads, isHeaderValue } from "./engine-payloads.js";
import { RuntimePayloadError, runtimePayloadFailure } from "./payload-error.js";

/** Options of `runtimePayloads`. */
export interface RuntimePayloadsOptions {
  /** Where the engine is: `https://engine.example.com`, with a path when its API lies below one. */
  readonly serverUrl: string;
  /** A token of the engine, of any role. A function is asked for each request. */
  readonly token: string | (() => string | Promise<string>);
  /** The namespace of the tasks that this carrier is sent: payloads of others are not there. Default `default`. */
  readonly namespace?: string | undefined;
  /** What reads references of the old form, as `externalStorage(driver)` makes it. Default: they are refused. */
  readonly storage?: PayloadStorage | undefined;
  /** How long one request may take, in milliseconds, the body included. Default 60000. */
  readonly timeoutMs?: number | undefined;
  /** Default: the global one, looked up for each request. */
  readonly fetch?: PayloadFetch | undefined;
}

const OPTION_NAMES: OptionNames<RuntimePayloadsOptions> = {
  serverUrl: true,
  token: true,
  namespace: true,
  storage: true,
  timeoutMs: true,
  fetch: true,
};

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;
/** Before the engine has said from which size on it wants payloads uploaded, this is where it is asked. */
const ASK_FROM_BYTES = 16_384;
const CACHE = { maxEntries: 1024, maxBytes: 16 * 1024 * 1024 };

/**
 * Payloads that the engine keeps, for a carrier's option `externalStorage`: fetched by the carrier itself, and uploaded from
 * the engine's own threshold on. A carrier behind this repository's dispatcher needs none of it, since that does both.
 *
 * ```ts
 * const handler = new InvocableActivityHandler(activities, {
 *   externalStorage: runtimePayloads({ serverUrl: "https://engine.example.com", token: () => readToken(), namespace: "lamps" }),
 * });
 * ```
 *
 * What the engine says is not there, expired or not to be had fails the task for good; an engine that does not answer in three
 * tries fails it for now. Redirects are not followed. The token and what is fetched show in no error.
 *
 * @throws {TypeError} for a `serverUrl` that is no http or https URL or has credentials, a query or a fragment, and for a
 *   token or namespace that no header could carry
 */
export function runtimePayloads(options: RuntimePayloadsOptions): PayloadStorage {
  const known = knownOptions(options, OPTION_NAMES, "runtimePayloads");
  const { token, namespace = "default", storage, timeoutMs = 60_000, fetch } = known;
  const serverUrl = parseServerUrl(known.serverUrl);
  if (typeof token !== "function" && !isHeaderValue(token)) {
    throw new TypeError(
      "token must be a non-empty string of visible ASCII characters (is there a line break at its end?), or a function that returns one",
    );
  }
  if (!isHeaderValue(namespace)) {
    throw new TypeError("namespace must be a non-empty string of visible ASCII characters");
  }
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 1 && timeoutMs <= LONGEST_TIMEOUT_MS)) {
    throw new TypeError(`timeoutMs must be a number from 1 to ${LONGEST_TIMEOUT_MS}`);
  }
  if (fetch !== undefined && typeof fetch !== "function") throw new TypeError("fetch must be a function");
  if (storage !== undefined && typeof (storage as Partial<PayloadStorage> | null)?.read !== "function") {
    throw new TypeError("storage must be what externalStorage(driver) makes");
  }
  return new RuntimePayloads(new EnginePayloads({ serverUrl, token, namespace, timeoutMs, fetch }), storage);
}

class RuntimePayloads implements PayloadStorage {
  private readonly engine: EnginePayloads;
  private readonly storage: PayloadStorage | undefined;
  private readonly cache = new ExternalPayloadCache(CACHE);

  constructor(engine: EnginePayloads, storage: PayloadStorage | undefined) {
    this.engine = engine;
    this.storage = storage;
  }

  /** Where the engine has not said yet, it is asked: {@link write} may still give the payload back as it is. */
  exceedsThreshold({ blob }: InlinePayloadEnvelope): boolean {
    return blob.length >= (this.engine.knownLimits?.thresholdBytes ?? ASK_FROM_BYTES);
  }

  async read(
    envelope: JsonObject,
    options: Parameters<PayloadStorage["read"]>[1],
  ): Promise<JsonObject | ExternalStorageFailure> {
    if (!isRuntimePayload(envelope)) {
      if (this.storage !== undefined) return this.storage.read(envelope, options);
      return refused(
        "external_payload_unsupported",
        "The arguments are in a store that this carrier has no driver for.",
      );
    }
    // Exactly two keys, as the engine writes it.
    const reference =
      Object.keys(envelope).length === 2 ? readRuntimePayloadReference(envelope["external_payload"]) : undefined;
    if (reference === undefined) {
      return refused("external_payload_unsupported", "The engine's reference to the arguments is not valid.");
    }
    return orFailure(options.signal, async () => {
      const blob = await this.cache.fetch(
        asStored(reference),
        (until) => this.engine.fetch(reference, until),
        options.signal,
      );
      return { codec: AVRO_CODEC, blob };
    });
  }

  async write(
    payload: InlinePayloadEnvelope,
    { signal }: Parameters<PayloadStorage["write"]>[1],
  ): Promise<PayloadEnvelope | ExternalStorageFailure> {
    return orFailure(signal, async () => {
      const { thresholdBytes, maxPayloadBytes } = await this.engine.readLimits(signal);
      const bytes = new TextEncoder().encode(payload.blob);
      if (bytes.length < thresholdBytes) return payload;
      if (bytes.length > maxPayloadBytes) {
        const message = `The payload has ${bytes.length} bytes, and the engine keeps at most ${maxPayloadBytes} of one.`;
        return refused("external_payload_oversized", message);
      }
      const reference = await this.engine.upload(bytes, signal);
      return runtimePayloadEnvelope(reference);
    });
  }
}

/** As the cache and the verification know references. */
function asStored({ id, sizeBytes, sha256 }: RuntimePayloadReference): ExternalPayloadReference {
  return { uri: `engine:${id}`, sizeBytes, sha256, codec: AVRO_CODEC, expiresAt: null };
}

async function orFailure<T>(
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T | ExternalStorageFailure> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof RuntimePayloadError) return runtimePayloadFailure(error);
    if (isExternalPayloadIntegrityError(error)) return refused("external_payload_integrity_mismatch", error.message);
    const failure = externalStorageFailure(error);
    if (failure === undefined) throw error;
    return failure;
  }
}

function refused(reason: string, message: string): ExternalStorageFailure {
  return runtimePayloadFailure(new RuntimePayloadError({ reason, retryable: false }, message));
}
