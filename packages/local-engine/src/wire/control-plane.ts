import {
  CONTROL_PLANE_RESPONSE,
  type ControlPlaneBlock,
  REPEATED_FIELDS,
  RESPONSE_CONTRACT,
  type WithControlPlane,
  type WorkflowOperation,
} from "@durable-workflow/engine-protocol/control";

/** What a request has to name, and what its answer has when it was done. */
const CONTRACTS: Readonly<Record<WorkflowOperation, { required: readonly string[]; success: readonly string[] }>> = {
  cancel: { required: ["workflow_id"], success: ["outcome"] },
  terminate: { required: ["workflow_id"], success: ["outcome"] },
  history: { required: ["workflow_id", "run_id"], success: ["next_page_token"] },
};

export const LEGACY_FIELDS = {
  query: "query_name",
  signal: "signal_name",
  update: "update_name",
  wait_policy: "wait_for",
};

/** An answer of the workflow routes, with the block that says which operation it answers, under which contract. */
export function withControlPlane<Answer extends { readonly workflow_id: string }>(
  operation: WorkflowOperation,
  answer: Answer,
): WithControlPlane<Answer> {
  const { required, success } = CONTRACTS[operation];
  const said = REPEATED_FIELDS.flatMap((field) => (field in answer ? [[field, answer[field as keyof Answer]]] : []));
  const block: ControlPlaneBlock = {
    ...CONTROL_PLANE_RESPONSE,
    operation,
    workflow_id: answer.workflow_id,
    contract: {
      ...RESPONSE_CONTRACT,
      legacy_field_policy: "reject_non_canonical",
      legacy_fields: LEGACY_FIELDS,
      required_fields: required,
      success_fields: success,
    },
    ...Object.fromEntries(said),
  };
  return { ...answer, control_plane: block };
}
