/** Headers of uploads and fetches, as answers spell them. Names of headers are compared without regard to case. */
export const PAYLOAD_CODEC_HEADER = "X-Durable-Workflow-Payload-Codec";
/** Bytes of the payload, in decimal digits. */
export const PAYLOAD_SIZE_HEADER = "X-Durable-Workflow-Payload-Size";
/** Of the payload's bytes; 64 lower-case hex digits. */
export const PAYLOAD_SHA256_HEADER = "X-Durable-Workflow-Payload-SHA256";
/** A {@link CompletionContext} as JSON. */
export const PAYLOAD_COMPLETION_HEADER = "X-Durable-Workflow-Payload-Completion";

/** Uploads are sent, and fetches are answered, as this media type. */
export const PAYLOAD_MEDIA_TYPE = "application/octet-stream";

/** What is said of a payload beside its bytes. */
export interface PayloadMetadata {
  readonly codec: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** The three headers of an upload and of a fetch, which the answer to a fetch repeats. */
export function payloadHeaders({ codec, sizeBytes, sha256 }: PayloadMetadata): Readonly<Record<string, string>> {
  return {
    [PAYLOAD_CODEC_HEADER]: codec,
    [PAYLOAD_SIZE_HEADER]: String(sizeBytes),
    [PAYLOAD_SHA256_HEADER]: sha256,
  };
}

/** A size as a header says it: decimal digits, no sign, no zero before it. Undefined for anything else. */
export function readPayloadSize(text: string | undefined): number | undefined {
  const size = text !== undefined && /^(?:0|[1-9]\d{0,15})$/.test(text) ? Number(text) : undefined;
  return size !== undefined && Number.isSafeInteger(size) ? size : undefined;
}

/** A hash as a header or a reference says it, in lower case; undefined for anything else. */
export function readSha256(text: unknown): string | undefined {
  return typeof text === "string" && /^[\da-f]{64}$/i.test(text) ? text.toLowerCase() : undefined;
}
