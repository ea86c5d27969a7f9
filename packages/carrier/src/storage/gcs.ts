import { BOOLEAN, knownOptions, type OptionNames } from "../protocol/options.js";
import { ObjectExternalStorage, type ObjectStorageOptions } from "./object-storage.js";

/** How payloads are kept in Google Cloud Storage. */
export interface GCSExternalStorageOptions extends ObjectStorageOptions {
  readonly bucket: string;
}

const OPTION_NAMES: OptionNames<GCSExternalStorageOptions> = {
  client: true,
  prefix: true,
  conditionalWrites: BOOLEAN,
  bucket: true,
};

/**
 * Payloads in Google Cloud Storage: `gs://bucket/key`.
 *
 * ```ts
 * new GCSExternalStorage({ client: googleCloudStorageClient(new Storage()), bucket: "payloads" });
 * ```
 */
export class GCSExternalStorage extends ObjectExternalStorage {
  /** @throws {TypeError} for an option that makes no sense */
  constructor(options: GCSExternalStorageOptions) {
    super("gs", "bucket", options.bucket, knownOptions(options, OPTION_NAMES, "GCSExternalStorage"));
  }
}
