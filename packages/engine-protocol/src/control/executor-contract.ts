import type { JsonObject } from "@durable-workflow/carrier/protocol";
import type { PublishedContract } from "../contract-id.js";

/** What an engine publishes of its executor config: the contract, and how it stands with the one that it was given. */
export interface ExecutorConfigContract extends PublishedContract {
  readonly config_schema: PublishedContract & {
    readonly json_schema_id: string;
    readonly schema_source: string;
  };
  readonly steady_state_surface: string;
  /** The first source that has a value counts. */
  readonly override_precedence: readonly string[];
  readonly server_runtime: {
    readonly config_path_env: string;
    readonly overlay_env: string;
    readonly cluster_info_path: string;
    readonly execution_status: string;
  };
  readonly validation: { readonly fail_closed: boolean; readonly named_errors: readonly string[] };
  readonly redaction: { readonly path_disclosure: string; readonly never_echo: readonly string[] };
  readonly runtime: ExecutorConfigRuntime;
}

/** How it stands with the config that the engine was given. */
export interface ExecutorConfigRuntime {
  readonly configured: boolean;
  readonly status: "not_configured" | "valid" | "invalid";
  readonly source: ExecutorConfigSource | null;
  readonly overlay: string | null;
  readonly summary: {
    readonly carrier_count: number;
    readonly mapping_count: number;
    /** How many mappings of each kind; an empty list for none. */
    readonly mapping_kinds: Readonly<Record<string, number>> | readonly [];
  };
  readonly errors: readonly PublishedConfigError[];
}

/** The file, without its folder: the digest is that of its whole path. */
export interface ExecutorConfigSource {
  readonly type: "file";
  readonly basename: string;
  readonly sha256: string;
}

/** An error of the config, with secrets redacted. */
export interface PublishedConfigError {
  readonly code: string;
  readonly message: string;
  readonly context: JsonObject;
}
