import {
  CONFIG_SCHEMA,
  CONFIG_VERSION,
  type ConfigError,
  type ConfigErrorCode,
} from "@durable-workflow/engine-protocol/executor-config";

/** The server's own words for what is wrong with a config: the rules are everybody's, the answer is an engine's. */
const WORDS: Partial<Readonly<Record<ConfigErrorCode, string>>> = {
  unsupported_version: `External executor config version must be ${CONFIG_VERSION}.`,
  unknown_overlay: "External executor config has no such overlay.",
  unknown_carrier: "External executor mapping references an unknown carrier.",
  unknown_auth_ref: "External executor mapping references an unknown auth_ref.",
  duplicate_mapping_name: "External executor mapping names must be unique.",
  missing_invocable_auth_ref:
    "Invocable HTTP mappings must declare auth_ref unless the carrier target is loopback HTTP for local development.",
  missing_handler_target: "External executor mapping must declare a handler target.",
  unsupported_carrier_capability: "External executor carrier does not advertise the mapping capability.",
  invalid_invocable_carrier_scope: "Invocable HTTP carriers are activity-task carriers only.",
};

/** Of `invalid_carrier_target`, by field. */
const TARGET_WORDS: Readonly<Record<string, string>> = {
  url: "url must be absolute HTTPS, or HTTP only for loopback development targets, and must not embed credentials.",
  method: "method must be POST.",
  timeout_seconds: "timeout_seconds must be an integer between 1 and 900.",
  retry_policy: "retry_policy must be an object.",
  "retry_policy.max_attempts": "retry_policy.max_attempts must be an integer between 1 and 5.",
  "retry_policy.backoff_seconds": "retry_policy.backoff_seconds must be at most five integers between 0 and 300.",
  "retry_policy.retryable_status_codes":
    "retry_policy.retryable_status_codes must be at most 20 of 408, 425, 429 and 5xx.",
};

/** Errors as the server tells them: carriers first, each in the order of its fields. */
export function inServerWords(errors: readonly ConfigError[]): readonly ConfigError[] {
  return errors
    .map((error) => ({ ...error, message: wordsFor(error) }))
    .toSorted((one, other) => rankOf(one) - rankOf(other));
}

function wordsFor({ code, message, context, path, expected }: ConfigError): string {
  const { field } = context;
  if (code === "invalid_carrier_target") {
    const words = typeof field === "string" ? TARGET_WORDS[field] : undefined;
    return words === undefined ? message : `Invocable HTTP carrier ${words}`;
  }
  if (code === "invalid_queue_binding") {
    return field === "task_queue"
      ? "Activity mappings must declare task_queue or inherit defaults.task_queue."
      : "Another mapping claims this task_queue and activity_type already.";
  }
  if (code !== "invalid_schema" || expected === null) return WORDS[code] ?? message;
  if (path === "" || path === "schema") return `External executor config must be an object of schema ${CONFIG_SCHEMA}.`;
  return path.endsWith(".type")
    ? `External executor carrier type must be ${expected}.`
    : `External executor config field ${path} must be ${expected}.`;
}

const FIELDS = Object.keys(TARGET_WORDS);

function rankOf({ path, code, context }: ConfigError): number {
  if (!path.startsWith("carriers")) return FIELDS.length + 1;
  if (code === "invalid_invocable_carrier_scope") return 0;
  return 1 + FIELDS.indexOf(String(context["field"]));
}
