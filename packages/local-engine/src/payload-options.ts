import type { ExternalStorageDriver } from "@durable-workflow/carrier/storage";
import { readFunctions, readNames, readWhole } from "./option-reader.js";

/** Large payloads: what clients and workers upload, and then name in requests. */
export interface PayloadOptions {
  /**
   * A payload whose base64 blob is longer is uploaded by whoever sends it, and by our own dispatcher from that size on. What
   * is sent inline all the same is taken, as far as `maxBodyBytes` goes. Default 1,048,576: half of the default body.
   */
  readonly thresholdBytes?: number;
  /** The longest blob that can be uploaded. Default 67,108,864, which is what SDKs take of one answer. */
  readonly maxPayloadBytes?: number;
  /** Bytes that a namespace may have uploaded. More is answered 429. Default 8,589,934,592; in memory 268,435,456. */
  readonly namespaceBytes?: number;
  /** Payloads that a namespace may have uploaded. More is answered 429. Default 100,000. */
  readonly namespaceObjects?: number;
  /** An upload that no request names in so many seconds is removed. Default 86,400. */
  readonly abandonedUploadSeconds?: number;
  /**
   * Where new payloads go: any of the carrier's storage drivers. Payloads in files that are there already are still read.
   * Default: files in the folder `FILE-payloads` beside the database; memory, where the database is in memory.
   */
  readonly storage?: ExternalStorageDriver;
}

export interface ResolvedPayloadOptions {
  readonly thresholdBytes: number;
  readonly maxPayloadBytes: number;
  readonly namespaceBytes: number;
  readonly namespaceObjects: number;
  readonly abandonedUploadSeconds: number;
  readonly storage: ExternalStorageDriver | undefined;
}

export const PAYLOAD_OPTION_NAMES = [
  "thresholdBytes",
  "maxPayloadBytes",
  "namespaceBytes",
  "namespaceObjects",
  "abandonedUploadSeconds",
  "storage",
] as const satisfies readonly (keyof PayloadOptions)[];

/** The longest text that every JavaScript engine can hold, in round figures. */
const LONGEST_BLOB = 536_870_000;
const MOST_BYTES = 2 ** 50;
const DEFAULT_BYTES = { file: 8_589_934_592, memory: 268_435_456 } as const;

/** @throws {TypeError} naming the option and the fix */
export function resolvePayloadOptions(given: unknown, isInMemory: boolean): ResolvedPayloadOptions {
  const options = readNames(given ?? {}, "payloads", PAYLOAD_OPTION_NAMES);
  const whole = (name: keyof PayloadOptions, fallback: number, least: number, most: number): number =>
    readWhole(`payloads.${name}`, options[name] === undefined ? fallback : options[name], least, most);
  const maxPayloadBytes = whole("maxPayloadBytes", 67_108_864, 1, LONGEST_BLOB);
  const thresholdBytes = whole("thresholdBytes", Math.min(1_048_576, maxPayloadBytes), 1, LONGEST_BLOB);
  if (thresholdBytes > maxPayloadBytes) {
    throw new TypeError(
      "payloads.thresholdBytes must not be above payloads.maxPayloadBytes: payloads between the two could not be sent",
    );
  }
  return {
    thresholdBytes,
    maxPayloadBytes,
    namespaceBytes: whole("namespaceBytes", isInMemory ? DEFAULT_BYTES.memory : DEFAULT_BYTES.file, 0, MOST_BYTES),
    namespaceObjects: whole("namespaceObjects", 100_000, 0, 1_000_000_000),
    abandonedUploadSeconds: whole("abandonedUploadSeconds", 86_400, 1, 315_360_000),
    storage: options["storage"] === undefined ? undefined : readDriver(options["storage"] as ExternalStorageDriver),
  };
}

function readDriver(driver: ExternalStorageDriver): ExternalStorageDriver {
  readFunctions("payloads.storage", driver, ["put", "get", "delete"]);
  if (typeof driver.scheme !== "string" || !/^[a-z][a-z\d+.-]*$/.test(driver.scheme)) {
    throw new TypeError('payloads.storage.scheme must be lower-case text without a colon, such as "s3"');
  }
  return driver;
}
