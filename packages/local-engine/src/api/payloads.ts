import type { IncomingHttpHeaders } from "node:http";
import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import { PATHS, textField } from "@durable-workflow/engine-protocol";
import {
  PAYLOAD_CODEC_HEADER,
  PAYLOAD_MEDIA_TYPE,
  PAYLOAD_SHA256_HEADER,
  PAYLOAD_SIZE_HEADER,
  PAYLOAD_TRANSPORT_VERSION,
  PAYLOAD_UPLOAD_SCHEMA,
  type PayloadRefusalReason,
  type PayloadUploadAnswer,
  payloadHeaders,
  REFERENCE_ID,
  readPayloadSize,
  readSha256,
} from "@durable-workflow/engine-protocol/external-payloads";
import { type Reply, ReplyError } from "../http/call.js";
import type { BytesReply, DirectCall } from "../http/direct.js";
import type { Route } from "../http/router.js";
import { type KeptBytes, PayloadBytesError } from "../payloads/bytes.js";
import { StorageUnavailableError } from "../store/group-commit.js";
import type { PayloadRecord } from "../store/payloads.js";
import { PayloadRefusedError, refusalOf } from "../wire/payload-errors.js";
import { FETCH_CACHE_CONTROL, UPLOAD_CACHE_CONTROL } from "../wire/payload-manifest.js";
import { referenceToWire } from "../wire/payloads.js";
import { ALL_ROLES, type ApiParts } from "./parts.js";

/** Upload and fetch of payloads that requests name. Workers and operators alike. */
export function payloadRoutes(parts: ApiParts): readonly Route[] {
  const replyTo = (error: unknown): Reply | undefined => replyToError(parts, error);
  const common = {
    plane: "control",
    roles: ALL_ROLES,
    needsVersion: "either",
    handle: () => {
      throw new Error("a direct route");
    },
  } as const;
  return [
    {
      ...common,
      method: "POST",
      pattern: PATHS.payloads,
      direct: { handle: (call) => upload(parts, call), replyTo },
    },
    {
      ...common,
      method: "GET",
      pattern: PATHS.payload,
      direct: { handle: (call) => fetchPayload(parts, call), replyTo },
    },
  ];
}

async function upload({ keeper, options }: ApiParts, call: DirectCall): Promise<Reply> {
  const { headers } = call;
  if (!/^application\/octet-stream\s*(?:;|$)/i.test(headers["content-type"] ?? "")) {
    throw refused("external_payload_unsupported", `An upload needs Content-Type: ${PAYLOAD_MEDIA_TYPE}.`, 415);
  }
  const bytes = readMetadata(headers);
  const { maxPayloadBytes } = options.payloads;
  if (bytes.sizeBytes > maxPayloadBytes) {
    throw refused(
      "external_payload_oversized",
      `A payload may have ${maxPayloadBytes} bytes; this one has ${bytes.sizeBytes}.`,
    );
  }
  if (call.contentLength !== undefined && call.contentLength !== bytes.sizeBytes) throw mismatched();
  const uploaded = await keeper.upload(call.namespace, bytes, call.body, call.signal);
  switch (uploaded.kind) {
    case "kept": {
      const answer: PayloadUploadAnswer = {
        schema: PAYLOAD_UPLOAD_SCHEMA,
        transport_version: PAYLOAD_TRANSPORT_VERSION,
        reference: referenceToWire(uploaded.payload),
      };
      return { status: 201, body: { ...answer }, headers: { "Cache-Control": UPLOAD_CACHE_CONTROL } };
    }
    case "mismatch":
      throw mismatched();
    case "bytes_exhausted":
      throw refused(
        "external_payload_namespace_bytes_exhausted",
        `The payloads of the namespace may have ${options.payloads.namespaceBytes} bytes (payloads.namespaceBytes); this one does not fit any more.`,
      );
    case "objects_exhausted":
      throw refused(
        "external_payload_namespace_objects_exhausted",
        `The namespace may have ${options.payloads.namespaceObjects} payloads (payloads.namespaceObjects), and has them.`,
      );
  }
}

async function fetchPayload({ keeper, context }: ApiParts, call: DirectCall): Promise<BytesReply> {
  const referenceId = call.params["reference"] ?? "";
  const found = REFERENCE_ID.test(referenceId) ? context.store.payloads.get(call.namespace, referenceId) : undefined;
  if (found === undefined) throw new PayloadRefusedError(refusalOf("not_found"));
  const opened = await keeper.open(call.namespace, { ...found, ...readStated(call.headers) });
  if (opened.kind !== "readable") throw new PayloadRefusedError(refusalOf(opened.kind));
  const { payload, chunks, close } = opened;
  return { status: 200, headers: fetchHeaders(payload), chunks, close };
}

function fetchHeaders(payload: PayloadRecord): Readonly<Record<string, string>> {
  return {
    "Content-Type": PAYLOAD_MEDIA_TYPE,
    "Content-Length": String(payload.sizeBytes),
    ...payloadHeaders(payload),
    ETag: `"sha256:${payload.sha256}"`,
    "Cache-Control": FETCH_CACHE_CONTROL,
  };
}

/** The three headers of an upload. */
function readMetadata(headers: IncomingHttpHeaders): KeptBytes {
  const { codec, sizeBytes, sha256 } = readStated(headers);
  if (codec === undefined) throw missing(PAYLOAD_CODEC_HEADER);
  if (sizeBytes === undefined) throw missing(PAYLOAD_SIZE_HEADER);
  if (sha256 === undefined) throw missing(PAYLOAD_SHA256_HEADER);
  return { codec, sizeBytes, sha256 };
}

/** What the three headers say, as far as they are there. */
function readStated(headers: IncomingHttpHeaders): Partial<KeptBytes> {
  const codec = textOf(headers, PAYLOAD_CODEC_HEADER);
  const size = textOf(headers, PAYLOAD_SIZE_HEADER);
  const hash = textOf(headers, PAYLOAD_SHA256_HEADER);
  if (codec !== undefined && codec !== AVRO_CODEC) {
    throw refused("external_payload_unsupported", `${PAYLOAD_CODEC_HEADER} must be ${AVRO_CODEC}.`);
  }
  const sizeBytes = readPayloadSize(size);
  if (size !== undefined && sizeBytes === undefined) {
    throw refused(
      "external_payload_unsupported",
      `${PAYLOAD_SIZE_HEADER} must be a number of bytes in decimal digits.`,
    );
  }
  const sha256 = readSha256(hash);
  if (hash !== undefined && sha256 === undefined) {
    throw refused("external_payload_unsupported", `${PAYLOAD_SHA256_HEADER} must be 64 hex digits.`);
  }
  return {
    ...(codec === undefined ? {} : { codec }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}

function textOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(", ") : value;
}

function missing(header: string): PayloadRefusedError {
  return refused("external_payload_unsupported", `An upload needs the header ${header}.`);
}

function mismatched(): PayloadRefusedError {
  return refused(
    "external_payload_integrity_mismatch",
    "The bytes of the upload are not those that its size and hash speak of.",
  );
}

function refused(reason: PayloadRefusalReason, message: string, status?: number): PayloadRefusedError {
  return new PayloadRefusedError({ reason, message, ...(status === undefined ? {} : { status }) });
}

/** What goes wrong on these routes is told as what is wrong with payloads. */
function replyToError({ context }: ApiParts, error: unknown): Reply | undefined {
  if (error instanceof PayloadRefusedError) return error.reply;
  if (error instanceof ReplyError && (error.reply.status === 401 || error.reply.status === 403)) {
    const message = textField(error.reply.body, "message") ?? "The token may not read or write payloads.";
    return refused("external_payload_unauthorized", message, error.reply.status).reply;
  }
  const isOfTheStorage = error instanceof StorageUnavailableError || error instanceof PayloadBytesError;
  if (!isOfTheStorage) return undefined;
  context.logger.error({ error: error.cause }, "The storage of payloads cannot be used.");
  return refused("external_payload_unavailable", "The storage of payloads cannot be used now; nothing was recorded.")
    .reply;
}
