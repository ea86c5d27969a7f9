import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { hexToBase64 } from "../digest.js";
import type { ObjectStorageClient } from "../object-storage.js";

/**
 * The official AWS SDK as the client of an `S3ExternalStorage`. It sends the payload's SHA-256 along, so that the store
 * refuses bytes that were damaged on their way.
 *
 * ```ts
 * const client = awsSdkS3Client(new S3Client({ region: "eu-central-1" }));
 * ```
 */
export function awsSdkS3Client(s3: S3Client): ObjectStorageClient {
  return {
    async put({ bucket, key }, data, { contentType, metadata, ifAbsent, signal }) {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: data,
        ContentType: contentType,
        Metadata: metadata,
        ChecksumSHA256: hexToBase64(metadata.sha256),
        ...(ifAbsent ? { IfNoneMatch: "*" } : undefined),
      });
      await s3.send(command, until(signal));
    },

    async get({ bucket, key }, { signal }) {
      const { Body, ContentLength } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }), until(signal));
      // A Blob only in a browser's build that was told to read so.
      const body = Body instanceof Blob ? Body.stream() : (Body ?? new Blob([]).stream());
      return { body: body as AsyncIterable<Uint8Array>, sizeBytes: ContentLength };
    },

    async delete({ bucket, key }, { signal }) {
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), until(signal));
    },
  };
}

function until(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
