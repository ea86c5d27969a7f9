import { BOOLEAN, knownOptions, type OptionNames } from "../protocol/options.js";
import { ObjectExternalStorage, type ObjectStorageOptions } from "./object-storage.js";

/** How payloads are kept in S3. */
export interface S3ExternalStorageOptions extends ObjectStorageOptions {
  readonly bucket: string;
}

const OPTION_NAMES: OptionNames<S3ExternalStorageOptions> = {
  client: true,
  prefix: true,
  conditionalWrites: BOOLEAN,
  bucket: true,
};

/**
 * Payloads in Amazon S3, or in a store that speaks its protocol: `s3://bucket/key`.
 *
 * ```ts
 * new S3ExternalStorage({ client: awsSdkS3Client(new S3Client({})), bucket: "payloads", prefix: "billing" });
 * ```
 */
export class S3ExternalStorage extends ObjectExternalStorage {
  /** @throws {TypeError} for an option that makes no sense */
  constructor(options: S3ExternalStorageOptions) {
    super("s3", "bucket", options.bucket, knownOptions(options, OPTION_NAMES, "S3ExternalStorage"));
  }
}
