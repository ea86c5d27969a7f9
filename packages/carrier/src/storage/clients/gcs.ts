import type { Storage } from "@google-cloud/storage";
import type { ObjectBody, ObjectStorageClient } from "../object-storage.js";

/** Bytes that an upload hands to the client at a time; an aborted one stops between two of them. */
const SLICE = 1024 * 1024;

/**
 * The official Google SDK as the client of a `GCSExternalStorage`. The SDK checks CRC32C both ways, and takes no
 * AbortSignal: an aborted request is dropped at once, and its connection closed where the SDK lets go of it.
 *
 * ```ts
 * const client = googleCloudStorageClient(new Storage());
 * ```
 */
export function googleCloudStorageClient(storage: Pick<Storage, "bucket">): ObjectStorageClient {
  return {
    async put({ bucket, key }, data, { contentType, metadata, ifAbsent, signal }) {
      // A function, so that the SDK can start over when it retries.
      const slices = async function* (): AsyncGenerator<Uint8Array> {
        for (let start = 0; start < data.length || start === 0; start += SLICE) {
          signal?.throwIfAborted();
          yield data.subarray(start, start + SLICE);
        }
      };
      await storage
        .bucket(bucket)
        .file(key)
        .save(slices, {
          // One request: a resumable upload takes two, and pays for large files only.
          resumable: false,
          contentType,
          metadata: { metadata },
          ...(ifAbsent ? { preconditionOpts: { ifGenerationMatch: 0 } } : undefined),
        });
    },

    get({ bucket, key }) {
      const stream = storage.bucket(bucket).file(key).createReadStream();
      return new Promise<ObjectBody>((resolve, reject) => {
        stream.on("error", reject);
        stream.on("response", ({ headers, statusCode }: { headers: Record<string, string>; statusCode: number }) => {
          // Of a failed one an error follows.
          if (statusCode < 300) resolve({ body: stream, sizeBytes: lengthOf(headers) });
        });
        // The request is made on the first read.
        stream.read(0);
      });
    },

    async delete({ bucket, key }) {
      await storage.bucket(bucket).file(key).delete();
    },
  };
}

/** Undefined for a body that is unpacked on the way, whose length nobody knows. */
function lengthOf(headers: Readonly<Record<string, string | undefined>>): number | undefined {
  const length = headers["content-length"];
  return length === undefined || headers["content-encoding"] !== undefined ? undefined : Number(length);
}
