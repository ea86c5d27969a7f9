import { NAMESPACE_HEADER, PATHS } from "@durable-workflow/engine-protocol";
import {
  type NamespacePayloadStorage,
  PAYLOAD_CODEC_HEADER,
  PAYLOAD_FETCH_TEMPLATE,
  PAYLOAD_MEDIA_TYPE,
  PAYLOAD_REFERENCE_SCHEMA,
  PAYLOAD_REFUSALS,
  PAYLOAD_SHA256_HEADER,
  PAYLOAD_SIZE_HEADER,
  PAYLOAD_STORAGE_SCHEMA,
  PAYLOAD_TRANSPORT_MODE,
  PAYLOAD_TRANSPORT_SCHEMA,
  PAYLOAD_TRANSPORT_VERSION,
  type PayloadTransportManifest,
} from "@durable-workflow/engine-protocol/external-payloads";
import type { ResolvedPayloadOptions } from "../payload-options.js";

/** How long clients should wait for an upload or a fetch. */
const REQUEST_TIMEOUT_SECONDS = 60;

export const FETCH_CACHE_CONTROL = "private, max-age=60, immutable";
export const UPLOAD_CACHE_CONTROL = "no-store, private";

export function payloadTransport(options: ResolvedPayloadOptions): PayloadTransportManifest {
  return {
    schema: PAYLOAD_TRANSPORT_SCHEMA,
    version: PAYLOAD_TRANSPORT_VERSION,
    reference_schema: PAYLOAD_REFERENCE_SCHEMA,
    mode: PAYLOAD_TRANSPORT_MODE,
    upload: {
      method: "POST",
      path: PATHS.payloads,
      content_type: PAYLOAD_MEDIA_TYPE,
      declared_metadata_headers: [PAYLOAD_CODEC_HEADER, PAYLOAD_SIZE_HEADER, PAYLOAD_SHA256_HEADER],
      idempotency: "content_addressed_per_namespace",
    },
    fetch: {
      method: "GET",
      path_template: PAYLOAD_FETCH_TEMPLATE,
      content_type: PAYLOAD_MEDIA_TYPE,
      cache_control: FETCH_CACHE_CONTROL,
    },
    limits: {
      max_payload_bytes: options.maxPayloadBytes,
      request_timeout_seconds: REQUEST_TIMEOUT_SECONDS,
      buffering: "streamed",
      abandoned_upload_expiry_seconds: options.abandonedUploadSeconds,
    },
    authorization: {
      authentication: "bearer",
      namespace_header: NAMESPACE_HEADER,
      roles: ["worker", "operator", "admin"],
    },
    integrity: { algorithm: "sha256", verified_on_upload: true, verified_on_fetch: true },
    retention: { claimed_by: "first_accepted_request", released_with: "claiming_runs" },
    direct_provider_adapters: {
      required: false,
      default_enabled: false,
      self_hosted_only: true,
      capability_negotiated: true,
    },
    typed_outcomes: PAYLOAD_REFUSALS,
  };
}

/** `namespace.external_payload_storage`: the same for all namespaces of this engine. */
export function payloadStorage(options: ResolvedPayloadOptions): NamespacePayloadStorage {
  return {
    schema: PAYLOAD_STORAGE_SCHEMA,
    configured: true,
    enabled: true,
    status: "available",
    threshold_bytes: options.thresholdBytes,
    provider_details_exposed: false,
    transport: payloadTransport(options),
  };
}
