import { BOOLEAN, knownOptions, type OptionNames } from "../protocol/options.js";
import { ObjectExternalStorage, type ObjectStorageOptions } from "./object-storage.js";

/** How payloads are kept in Azure Blob Storage. */
export interface AzureBlobExternalStorageOptions extends ObjectStorageOptions {
  readonly container: string;
}

const OPTION_NAMES: OptionNames<AzureBlobExternalStorageOptions> = {
  client: true,
  prefix: true,
  conditionalWrites: BOOLEAN,
  container: true,
};

/**
 * Payloads in Azure Blob Storage: `azure-blob://container/key`; `azure://container/key` is read as well. The account is the
 * client's.
 *
 * ```ts
 * new AzureBlobExternalStorage({ client: azureBlobClient(BlobServiceClient.fromConnectionString(text)), container: "payloads" });
 * ```
 */
export class AzureBlobExternalStorage extends ObjectExternalStorage {
  /** @throws {TypeError} for an option that makes no sense */
  constructor(options: AzureBlobExternalStorageOptions) {
    super(
      "azure-blob",
      "container",
      options.container,
      knownOptions(options, OPTION_NAMES, "AzureBlobExternalStorage"),
      ["azure"],
    );
  }
}
