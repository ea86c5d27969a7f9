import { AVRO_CODEC } from "../protocol/constants.js";
import { type ExternalPayloadReference, schemeOf } from "../protocol/payload-reference.js";
import { recordableText } from "../protocol/recordable-text.js";
import { parseTimestamp } from "../protocol/timestamps.js";
import type { ExternalPayloadCache } from "./cache.js";
import { callStorage } from "./call.js";
import { sha256OfBytes } from "./digest.js";
import type { ExternalStorageDriver } from "./driver.js";
import { ExternalStorageError } from "./errors.js";
import { verifiedBlob } from "./verify.js";

/** No payload that is larger is fetched, unless told otherwise: 256 MiB. Beyond twice of that, no engine has such a string. */
export const DEFAULT_MAX_STORED_BYTES = 268_435_456;

/** One driver, or several. Of those that take a reference's scheme, the first that accepts its URI is used. */
export type ExternalStorageDrivers = ExternalStorageDriver | readonly ExternalStorageDriver[];

/** Options of a payload that is stored. */
export interface StoreOptions {
  /** Ends the call when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** From when on the payload must not be read; removing it is not this library's business. Default: never. */
  readonly expiresAt?: Date | undefined;
}

/** Options of a fetch of a payload. */
export interface FetchOptions {
  /** Keeps what was fetched, and is asked first. Default none. */
  readonly cache?: ExternalPayloadCache | undefined;
  /** Ends the call when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** What `expiresAt` is compared with, in milliseconds since the epoch. Default: the system's clock. */
  readonly now?: number | undefined;
  /** A larger payload is refused unread. Default {@link DEFAULT_MAX_STORED_BYTES}. */
  readonly maxBytes?: number | undefined;
}

/**
 * Stores a payload's blob, and resolves with the reference to it once it is safe.
 *
 * @param blob base64 as in a payload envelope; its characters are what is stored
 * @throws {ExternalStorageError} (as a rejection) `access_denied` or `unavailable`; or the signal's reason
 * @throws {TypeError} (as a rejection) for a blob that is no text
 */
export async function storeExternalPayload(
  driver: ExternalStorageDriver,
  blob: string,
  options: StoreOptions = {},
): Promise<ExternalPayloadReference> {
  const { signal, expiresAt } = options;
  if (typeof blob !== "string") throw new TypeError("blob must be text: the blob of a payload envelope");
  const data = new TextEncoder().encode(blob);
  const sha256 = await sha256OfBytes(data);
  const uri = await callStorage("put", signal, () => driver.put(data, { sha256, codec: AVRO_CODEC, signal }));
  if (typeof uri !== "string" || schemeOf(uri) === undefined) {
    // A reference without an address would lose the payload.
    throw new ExternalStorageError(
      "unavailable",
      "The storage driver did not say under which URI it stored the payload.",
    );
  }
  return {
    uri,
    sha256,
    sizeBytes: data.length,
    codec: AVRO_CODEC,
    expiresAt: expiresAt === undefined ? null : expiresAt.toISOString(),
  };
}

/**
 * Fetches the blob that a reference stands for: a payload like any other from there on. Size and SHA-256 have been checked.
 *
 * @throws {ExternalStorageError} (as a rejection) by its `code`; or the signal's reason
 * @throws {ExternalPayloadIntegrityError} (as a rejection) when the stored bytes are not the ones referred to
 * @throws {PayloadError} (as a rejection) when they are, and are no text
 */
export async function fetchExternalPayload(
  drivers: ExternalStorageDrivers,
  reference: ExternalPayloadReference,
  options: FetchOptions = {},
): Promise<string> {
  const { cache, signal, now = Date.now(), maxBytes = DEFAULT_MAX_STORED_BYTES } = options;
  const { uri, sizeBytes, expiresAt } = reference;
  // Asked before the cache is: another handler may have filled it, with drivers of its own.
  const driver = driverFor(drivers, uri);
  if (expiresAt !== null && !(now < (parseTimestamp(expiresAt) ?? 0))) {
    throw new ExternalStorageError("expired_reference", `The reference to the stored payload expired at ${expiresAt}.`);
  }
  if (sizeBytes > maxBytes) {
    const message = `The stored payload is ${sizeBytes} bytes long; no more than ${maxBytes} are fetched.`;
    throw new ExternalStorageError("oversized_reference", message);
  }
  const request = (until: AbortSignal | undefined): Promise<Uint8Array> =>
    callStorage("get", until, () => driver.get(uri, { sizeBytes, signal: until }));
  return cache === undefined ? verifiedBlob(reference, await request(signal)) : cache.fetch(reference, request, signal);
}

/**
 * Removes a stored payload, from the cache too. That it is gone already is no error.
 *
 * Payloads with the same bytes lie in one object: only whoever knows that no other reference is left should call this.
 *
 * @throws {ExternalStorageError} (as a rejection) by its `code`; or the signal's reason
 */
export async function deleteExternalPayload(
  drivers: ExternalStorageDrivers,
  reference: ExternalPayloadReference,
  options: Pick<FetchOptions, "cache" | "signal"> = {},
): Promise<void> {
  const { cache, signal } = options;
  const driver = driverFor(drivers, reference.uri);
  await callStorage("delete", signal, () => driver.delete(reference.uri, { signal }));
  cache?.delete(reference);
}

/**
 * The driver that reads a URI.
 *
 * @throws {ExternalStorageError} `no_driver` or `foreign_reference`
 */
function driverFor(drivers: ExternalStorageDrivers, uri: string): ExternalStorageDriver {
  const scheme = schemeOf(uri);
  const all = Array.isArray(drivers)
    ? (drivers as readonly ExternalStorageDriver[])
    : [drivers as ExternalStorageDriver];
  const able = all.filter((driver) => driver.scheme === scheme || driver.aliases?.includes(scheme ?? "") === true);
  if (able.length === 0) {
    const wanted = scheme === undefined ? "a URI without a scheme" : `"${recordableText(scheme, 30)}"`;
    const known = all.length === 0 ? "none at all" : `only for ${all.map((driver) => driver.scheme).join(", ")}`;
    throw new ExternalStorageError("no_driver", `This carrier has no storage driver for ${wanted}, ${known}.`);
  }
  const driver = able.find((candidate) => candidate.accepts?.(uri) ?? true);
  if (driver !== undefined) return driver;
  const where = `The reference is outside the ${scheme} storage that this carrier was given`;
  const how = 'another bucket, container, prefix or root, or a key with empty, "." or ".." segments';
  throw new ExternalStorageError("foreign_reference", `${where}: ${how}.`);
}
