import { ObjectExternalStorage, type ObjectStorageOptions } from "./object-storage.js";

export interface AzureBlobExternalStorageOptions extends ObjectStorageOptions {
  readonly container: string;
}

/**
 * Payloads in Azure Blob Storage: `azure-blob://container/key`. The account is the client's.
 *
 * ```ts
 * new AzureBlobExternalStorage({ client: azureBlobClient(BlobServiceClient.fromConnectionString(text)), container: "payloads" });
 * ```
 */
export class AzureBlobExternalStorage extends ObjectExternalStorage {
  /** @throws {TypeError} for an option that makes no sense */
  constructor(options: AzureBlobExternalStorageOptions) {
    super("azure-blob", "container", options.container, options);
  }
}
