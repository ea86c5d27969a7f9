/** A namespace, as the control plane shows it. */
export interface NamespaceDescription {
  readonly name: string;
  readonly description: string | null;
  /** How long closed activities are kept; null for ever. */
  readonly retention_days: number | null;
  readonly status: "active";
  readonly external_payload_storage: null;
  readonly created_at: string;
  readonly updated_at: string;
}

/** The namespaces of an engine. */
export interface NamespaceList {
  readonly namespaces: readonly NamespaceDescription[];
}
