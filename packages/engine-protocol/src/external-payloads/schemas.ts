/** Names of the documents of runtime-owned external payloads: payloads that the engine keeps for a namespace. */

export const PAYLOAD_TRANSPORT_SCHEMA = "durable-workflow.v2.runtime-external-payload-transport.v1";
/** `version` of the transport of large payloads. */
export const PAYLOAD_TRANSPORT_VERSION = 1;
/** `schema` of a reference to a large payload. */
export const PAYLOAD_REFERENCE_SCHEMA = "durable-workflow.v2.runtime-external-payload-reference.v1";
/** `schema` of the answer to an upload. */
export const PAYLOAD_UPLOAD_SCHEMA = "durable-workflow.v2.runtime-external-payload-upload.v1";
/** `schema` of an answer that refuses a large payload. */
export const PAYLOAD_ERROR_SCHEMA = "durable-workflow.v2.runtime-external-payload-error.v1";
/** `schema` of a completion context, with which a worker may still upload while an engine drains. */
export const COMPLETION_CONTEXT_SCHEMA = "durable-workflow.v2.payload-completion-context.v1";

/** Of `namespace.external_payload_storage` in cluster info: the local engine's own name, which no client reads. */
export const PAYLOAD_STORAGE_SCHEMA = "durable-workflow.v2.namespace-external-payload-storage.v1";

/** How payloads travel: through the engine, by the token and the namespace of any other request. */
export const PAYLOAD_TRANSPORT_MODE = "authenticated_namespace_runtime";
