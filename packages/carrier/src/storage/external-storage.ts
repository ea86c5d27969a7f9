import { PayloadError } from "../payload/errors.js";
import { AVRO_CODEC } from "../protocol/constants.js";
import type { JsonObject } from "../protocol/fields.js";
import { knownOptions, type OptionNames } from "../protocol/options.js";
import { parseExternalPayloadReference, serializeExternalPayloadReference } from "../protocol/payload-reference.js";
import { isRuntimePayload } from "../protocol/runtime-payload.js";
import type { InlinePayloadEnvelope, PayloadEnvelope, StoredPayloadEnvelope } from "../protocol/wire.js";
import { ExternalPayloadCache } from "./cache.js";
import { driverFault, type ExternalStorageDriver } from "./driver.js";
import { ExternalStorageError } from "./errors.js";
import { externalStorageFailure } from "./failures.js";
import type { ExternalStorageFailure, PayloadStorage } from "./payload-storage.js";
import { isStoredPayload } from "./stored-payload.js";
import { type ExternalStorageDrivers, fetchExternalPayload, storeExternalPayload } from "./transfer.js";

/** A payload whose blob is longer goes to storage, unless told otherwise: 256 KiB. */
export const DEFAULT_STORAGE_THRESHOLD_BYTES = 262_144;

/** Options of `externalStorage`. */
export interface ExternalStorageOptions {
  /** Keeps what was fetched. Default: one of this storage's own, with the default bounds. False: none. */
  readonly cache?: ExternalPayloadCache | false | undefined;
  /**
   * A result, or a failure's details, whose blob is longer goes to storage, in bytes. Take it from the namespace's policy:
   * an engine without one refuses references. Infinity: nothing does. Default 262,144.
   */
  readonly thresholdBytes?: number | undefined;
}

const OPTION_NAMES: OptionNames<ExternalStorageOptions> = { cache: true, thresholdBytes: true };

/** Where payloads lie, as {@link externalStorage} makes it: what a carrier needs of it, and what it was made of. */
export interface ExternalStorage extends PayloadStorage {
  readonly drivers: readonly ExternalStorageDriver[];
  readonly cache: ExternalPayloadCache | undefined;
  readonly thresholdBytes: number;
}

/**
 * External storage for a carrier's option of that name.
 *
 * ```ts
 * const handler = new InvocableActivityHandler(activities, {
 *   externalStorage: externalStorage(driver, { thresholdBytes: policy.thresholdBytes }),
 * });
 * ```
 *
 * @param storage a driver, or several. Results go to the first; an argument is read by the first that takes its scheme and
 *   accepts its URI
 * @throws {TypeError} naming what makes no sense, and the fix
 */
export function externalStorage(storage: ExternalStorageDrivers, options?: ExternalStorageOptions): ExternalStorage {
  const { cache, thresholdBytes = DEFAULT_STORAGE_THRESHOLD_BYTES } = knownOptions(
    options,
    OPTION_NAMES,
    "externalStorage",
  );
  if (typeof thresholdBytes !== "number" || !(thresholdBytes >= 0)) {
    throw new TypeError("thresholdBytes must be a number >= 0, or Infinity to keep results inline");
  }
  if (
    cache !== undefined &&
    cache !== false &&
    typeof (cache as Partial<ExternalPayloadCache> | null)?.fetch !== "function"
  ) {
    throw new TypeError("cache must be an ExternalPayloadCache, or false for none");
  }
  const drivers = (Array.isArray(storage) ? [...storage] : [storage]) as ExternalStorageDriver[];
  if (drivers.length === 0) throw new TypeError("externalStorage needs a driver");
  for (const driver of drivers) {
    const fault = driverFault(driver);
    if (fault !== undefined) throw new TypeError(`externalStorage needs ${fault}, or a list of such`);
  }
  const made: ExternalStorage = {
    drivers,
    cache: cache === false ? undefined : (cache ?? new ExternalPayloadCache()),
    thresholdBytes,
    exceedsThreshold: (payload) => exceedsThreshold(payload, made),
    read: (envelope, how) => orFailure(inlinePayload(envelope, made, how)),
    write: (payload, how) => orFailure(offloadPayload(payload, made, how)),
  };
  return made;
}

async function orFailure<T>(transfer: Promise<T>): Promise<T | ExternalStorageFailure> {
  try {
    return await transfer;
  } catch (error) {
    const failure = externalStorageFailure(error);
    if (failure === undefined) throw error;
    return failure;
  }
}

/**
 * A payload envelope as it is read: inline. One that holds a blob comes back as it is, one that holds a reference with the
 * blob that was fetched and verified.
 *
 * @param storage undefined for a carrier without: references are refused
 * @throws {PayloadError} (as a rejection) `unsupported_payload_codec` for a codec other than avro
 * @throws {ExternalPayloadReferenceError} (as a rejection) for a reference that violates the contract
 * @throws as `fetchExternalPayload`
 */
export async function inlinePayload(
  envelope: JsonObject,
  storage: ExternalStorage | undefined,
  options: { readonly signal?: AbortSignal | undefined; readonly now?: number | undefined } = {},
): Promise<JsonObject> {
  if (!isStoredPayload(envelope)) return envelope;
  if (isRuntimePayload(envelope)) throw new ExternalStorageError("no_driver", WITH_ENGINE);
  if (envelope["codec"] !== AVRO_CODEC) {
    throw new PayloadError("unsupported_payload_codec", "the payload is stored with a codec other than avro");
  }
  const reference = parseExternalPayloadReference(envelope["external_storage"]);
  if (storage === undefined) {
    throw new ExternalStorageError("no_driver", "This carrier has no external storage to read the payload from.");
  }
  const { drivers, cache } = storage;
  return { codec: AVRO_CODEC, blob: await fetchExternalPayload(drivers, reference, { ...options, cache }) };
}

const WITH_ENGINE = "The engine keeps the payload: runtimePayloads reads it, with this storage as its option.";

/** Whether a payload is to go to storage. */
export function exceedsThreshold(payload: InlinePayloadEnvelope, storage: ExternalStorage | undefined): boolean {
  return storage !== undefined && payload.blob.length > storage.thresholdBytes;
}

/**
 * A payload envelope as it is sent: by reference when it is over the threshold, once it is safely stored.
 *
 * @throws as `storeExternalPayload`: the payload must not be answered inline then, since the engine may refuse its size
 */
export async function offloadPayload(
  payload: InlinePayloadEnvelope,
  storage: ExternalStorage | undefined,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<PayloadEnvelope> {
  const driver = storage?.drivers[0];
  if (driver === undefined || !exceedsThreshold(payload, storage)) return payload;
  const reference = await storeExternalPayload(driver, payload.blob, options);
  const stored: StoredPayloadEnvelope = {
    codec: reference.codec,
    external_storage: serializeExternalPayloadReference(reference),
  };
  return stored;
}
