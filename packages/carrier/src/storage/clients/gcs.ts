import type { Readable } from "node:stream";
import type { Storage } from "@google-cloud/storage";
import type { IterableBodyStream } from "../body.js";
import type { ObjectBody, ObjectStorageClient } from "../object-storage.js";

/** Bytes that an upload hands to the client at a time; an aborted one stops between two of them. */
const SLICE = 1024 * 1024;

/**
 * The official Google SDK as the client of a `GCSExternalStorage`. The SDK takes no AbortSignal: an aborted call is left at
 * once, while what is under way of its transfer ends in the background.
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

    get({ bucket, key }, { sizeBytes }) {
      // One byte more than there should be tells a larger object from the right one. Of an empty one no range can be had.
      const range = sizeBytes === 0 ? {} : { start: 0, end: sizeBytes };
      const stream = storage.bucket(bucket).file(key).createReadStream(range);
      return new Promise<ObjectBody>((resolve, reject) => {
        stream.on("error", reject);
        stream.on("response", ({ headers, statusCode }: { headers: Record<string, string>; statusCode: number }) => {
          // Of a failed one an error follows.
          if (statusCode < 300) resolve({ body: unbroken(stream), sizeBytes: lengthOf(headers) });
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

/**
 * A stream that is read to its end in any case. Destroying one makes the SDK close every connection of its own, those of
 * other transfers too; the range that was asked for bounds what is left to read.
 */
function unbroken(stream: Readable): IterableBodyStream {
  return {
    [Symbol.asyncIterator]: () => stream.iterator({ destroyOnReturn: false }),
    destroy() {
      stream.removeAllListeners("readable");
      stream.resume();
    },
  };
}

/** The length of the whole object; undefined for a body that is unpacked on the way, whose length nobody knows. */
function lengthOf(headers: Readonly<Record<string, string | undefined>>): number | undefined {
  if (headers["content-encoding"] !== undefined) return undefined;
  const length = /\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1] ?? headers["content-length"];
  return length === undefined ? undefined : Number(length);
}
