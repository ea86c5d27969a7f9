import type { PublishedContract } from "../contract-id.js";

/** The operations of the workflow routes. */
export type WorkflowOperation = "cancel" | "terminate" | "history";

/**
 * What answers of the workflow routes say of themselves: the operation, the contract, and again the fields by which a
 * client tells what became of its request.
 */
export interface ControlPlaneBlock extends PublishedContract {
  readonly operation: WorkflowOperation;
  readonly workflow_id: string;
  readonly contract: PublishedContract & {
    readonly legacy_field_policy: string;
    /** Names that clients of version 1 used, by what stands for them. */
    readonly legacy_fields: Readonly<Record<string, string>>;
    readonly required_fields: readonly string[];
    readonly success_fields: readonly string[];
  };
  /** Each is there exactly when the answer itself has it. */
  readonly run_id?: unknown;
  readonly workflow_type?: unknown;
  readonly command_id?: unknown;
  readonly command_status?: unknown;
  readonly command_source?: unknown;
  readonly target_scope?: unknown;
  readonly outcome?: unknown;
  readonly reason?: unknown;
  readonly rejection_reason?: unknown;
  readonly validation_errors?: unknown;
  readonly next_page_token?: unknown;
}

/** The fields of an answer that its block repeats, in this order. */
export const REPEATED_FIELDS = [
  "run_id",
  "workflow_type",
  "command_id",
  "command_status",
  "command_source",
  "target_scope",
  "outcome",
  "reason",
  "rejection_reason",
  "validation_errors",
  "next_page_token",
] as const satisfies readonly (keyof ControlPlaneBlock)[];

/** An answer of the workflow routes with its block. */
export type WithControlPlane<Answer extends object> = Answer & { readonly control_plane: ControlPlaneBlock };
