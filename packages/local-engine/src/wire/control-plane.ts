import { CONTROL_PLANE_RESPONSE, RESPONSE_CONTRACT } from "@durable-workflow/engine-protocol/control";

const CONTRACTS: Readonly<Record<string, { required: readonly string[]; success: readonly string[] }>> = {
  cancel: { required: ["workflow_id"], success: ["outcome"] },
  terminate: { required: ["workflow_id"], success: ["outcome"] },
  history: { required: ["workflow_id", "run_id"], success: ["next_page_token"] },
};

/** Fields of an answer that its `control_plane` block repeats, in this order. */
const PROJECTED = [
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
] as const;

export const LEGACY_FIELDS = {
  query: "query_name",
  signal: "signal_name",
  update: "update_name",
  wait_policy: "wait_for",
};

/** An answer of the workflow routes, with the block that says which operation it answers, under which contract. */
export function withControlPlane(
  operation: "cancel" | "terminate" | "history",
  body: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const contract = CONTRACTS[operation];
  const block: Record<string, unknown> = {
    ...CONTROL_PLANE_RESPONSE,
    operation,
    workflow_id: body["workflow_id"],
    contract: {
      ...RESPONSE_CONTRACT,
      legacy_field_policy: "reject_non_canonical",
      legacy_fields: LEGACY_FIELDS,
      required_fields: contract?.required,
      success_fields: contract?.success,
    },
  };
  for (const field of PROJECTED) if (field in body) block[field] = body[field];
  return { ...body, control_plane: block };
}
