import {
  EXTERNAL_TASK_INPUT_SCHEMA,
  EXTERNAL_TASK_INPUT_VERSION,
  EXTERNAL_TASK_RESULT_SCHEMA,
  EXTERNAL_TASK_RESULT_VERSION,
} from "@durable-workflow/carrier/protocol";

export type { PublishedContract } from "../contract-id.js";

/** Ids of the contracts that an engine publishes in its cluster info, and of the documents of its control plane. */

export const INPUT_CONTRACT = {
  schema: `${EXTERNAL_TASK_INPUT_SCHEMA}.contract`,
  version: EXTERNAL_TASK_INPUT_VERSION,
} as const;
/** The contract of result envelopes, as cluster info names it. */
export const RESULT_CONTRACT = {
  schema: `${EXTERNAL_TASK_RESULT_SCHEMA}.contract`,
  version: EXTERNAL_TASK_RESULT_VERSION,
} as const;
/** The contract of invocable carriers, as cluster info names it. */
export const INVOCABLE_CONTRACT = {
  schema: "durable-workflow.v2.invocable-carrier.contract",
  version: 1,
  carrier_type: "invocable_http",
} as const;
/** The contract of the executor config, as cluster info names it. */
export const EXECUTOR_CONTRACT = {
  schema: "durable-workflow.v2.external-executor-config.contract",
  version: 1,
} as const;
/** The contract of the whole surface for external execution, as cluster info names it. */
export const SURFACE_CONTRACT = {
  schema: "durable-workflow.v2.external-execution-surface.contract",
  version: 1,
} as const;
/** The contract by which an engine says how it composes authentication, in its cluster info. */
export const AUTH_CONTRACT = { schema: "durable-workflow.v2.auth-composition.contract", version: 1 } as const;

/** The contracts that a carrier and a dispatcher rely on, by their field in `worker_protocol`. */
export const WORKER_CONTRACTS = {
  external_task_input_contract: INPUT_CONTRACT,
  external_task_result_contract: RESULT_CONTRACT,
  invocable_carrier_contract: INVOCABLE_CONTRACT,
  external_executor_config_contract: EXECUTOR_CONTRACT,
} as const;

/** What the control plane's requests and answers call themselves. */
export const REQUEST_CONTRACT = { schema: "durable-workflow.v2.control-plane-request.contract", version: 1 } as const;
/** What answers of the control plane name as their schema and version. */
export const CONTROL_PLANE_RESPONSE = { schema: "durable-workflow.v2.control-plane-response", version: 1 } as const;
/** The contract of answers of the control plane. */
export const RESPONSE_CONTRACT = {
  schema: `${CONTROL_PLANE_RESPONSE.schema}.contract`,
  version: CONTROL_PLANE_RESPONSE.version,
} as const;
