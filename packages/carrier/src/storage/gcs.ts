import { ObjectExternalStorage, type ObjectStorageOptions } from "./object-storage.js";

export interface GCSExternalStorageOptions extends ObjectStorageOptions {
  readonly bucket: string;
}

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
    super("gs", "bucket", options.bucket, options);
  }
}
