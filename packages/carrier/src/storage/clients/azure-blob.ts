import type { BlobServiceClient } from "@azure/storage-blob";
import type { BodyStream } from "../body.js";
import type { ObjectStorageClient } from "../object-storage.js";

/**
 * The official Azure SDK as the client of an `AzureBlobExternalStorage`.
 *
 * ```ts
 * const client = azureBlobClient(new BlobServiceClient(url, new DefaultAzureCredential()));
 * ```
 */
export function azureBlobClient(service: Pick<BlobServiceClient, "getContainerClient">): ObjectStorageClient {
  return {
    async put({ bucket, key }, data, { contentType, metadata, ifAbsent, signal }) {
      await service
        .getContainerClient(bucket)
        .getBlockBlobClient(key)
        .upload(data, data.length, {
          blobHTTPHeaders: { blobContentType: contentType },
          metadata,
          ...(ifAbsent ? { conditions: { ifNoneMatch: "*" } } : undefined),
          ...until(signal),
        });
    },

    async get({ bucket, key }, { signal }) {
      const blob = service.getContainerClient(bucket).getBlobClient(key);
      const { readableStreamBody, blobBody, contentLength } = await blob.download(0, undefined, until(signal));
      // A stream on Node, a Blob in browsers and workers.
      const body = readableStreamBody ?? ((await blobBody) ?? new Blob([])).stream();
      return { body: body as BodyStream, sizeBytes: contentLength };
    },

    async delete({ bucket, key }, { signal }) {
      await service.getContainerClient(bucket).getBlobClient(key).delete(until(signal));
    },
  };
}

function until(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
