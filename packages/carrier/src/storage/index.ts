export { AzureBlobExternalStorage, type AzureBlobExternalStorageOptions } from "./azure-blob.js";
export type { BodyStream, IterableBodyStream, WebBodyStream } from "./body.js";
export { ExternalPayloadCache, type ExternalPayloadCacheOptions } from "./cache.js";
export type { DeleteOptions, ExternalStorageDriver, GetOptions, PutOptions } from "./driver.js";
export * from "./errors.js";
export {
  DEFAULT_STORAGE_THRESHOLD_BYTES,
  type ExternalStorage,
  type ExternalStorageOptions,
  externalStorage,
} from "./external-storage.js";
export * from "./from-policy.js";
export { GCSExternalStorage, type GCSExternalStorageOptions } from "./gcs.js";
export {
  type ObjectAddress,
  type ObjectBody,
  type ObjectExternalStorage,
  type ObjectStorageClient,
  type ObjectStorageOptions,
  type PutObjectOptions,
} from "./object-storage.js";
export type { ExternalStorageFailure, PayloadStorage } from "./payload-storage.js";
export { S3ExternalStorage, type S3ExternalStorageOptions } from "./s3.js";
export {
  deleteExternalPayload,
  type ExternalStorageDrivers,
  type FetchOptions,
  fetchExternalPayload,
  type StoreOptions,
  storeExternalPayload,
} from "./transfer.js";
