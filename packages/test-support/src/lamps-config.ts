/** Executor configs to begin with, one change away from what a test wants. */

type Json = Readonly<Record<string, unknown>>;

/** Two carriers of ours, a mapping to each, a credential and an overlay. */
export function lampsConfig(changes: Json = {}): Record<string, unknown> {
  return {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    defaults: { namespace: "cellar", task_queue: "lamps", auth_ref: "lamp-token" },
    auth_refs: { "lamp-token": { type: "env", env: "LAMP_TOKEN" } },
    carriers: {
      web: {
        type: "invocable_http",
        url: "https://lamps.example/activities",
        method: "POST",
        timeout_seconds: 30,
        capabilities: ["activity_task"],
        retry_policy: { max_attempts: 3, backoff_seconds: [1, 2], retryable_status_codes: [429, "5xx"] },
      },
      local: { type: "process", command: ["node", "lamp.js"], environment: { LAMP: "7" }, timeout_seconds: 60 },
    },
    mappings: [
      {
        name: "dim",
        kind: "activity",
        activity_type: "lamps.dim",
        carrier: "web",
        handler: "dim",
        timeout_seconds: 20,
      },
      { name: "count", kind: "activity", activity_type: "lamps.count", carrier: "local", handler: "count" },
    ],
    overlays: {
      staging: { defaults: { namespace: "attic" }, carriers: { web: { url: "https://staging.lamps.example/" } } },
    },
    ...changes,
  };
}
