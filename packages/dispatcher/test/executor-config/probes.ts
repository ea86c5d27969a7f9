/** Executor configs on which the dispatcher and the local engine may disagree: each is one change of a good one. */

type Json = Record<string, unknown>;

const CARRIER = {
  type: "invocable_http",
  url: "https://lamps.example/tasks",
  method: "POST",
  timeout_seconds: 30,
  capabilities: ["activity_task"],
};
const MAPPING = {
  name: "lamp-on",
  kind: "activity",
  task_queue: "lamps",
  activity_type: "lamp.on",
  carrier: "lamps",
  handler: "lamp.on",
  auth_ref: "lamps",
};

/** A config that both take, with changes. */
function config(changes: Json = {}): Json {
  return {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    auth_refs: { lamps: { type: "env", env: "LAMPS_TOKEN" } },
    carriers: { lamps: CARRIER },
    mappings: [MAPPING],
    ...changes,
  };
}

const carrier = (changes: Json): Json => config({ carriers: { lamps: { ...CARRIER, ...changes } } });
const mapping = (changes: Json): Json => config({ mappings: [{ ...MAPPING, ...changes }] });
const { auth_ref: _, ...WITHOUT_REF } = MAPPING;
const { handler: __, ...WITHOUT_HANDLER } = MAPPING;
const { name: ___, ...WITHOUT_NAME } = MAPPING;
const { activity_type: ____, ...WITHOUT_TYPE } = MAPPING;
const loopback = (url: string): Json => config({ carriers: { lamps: { ...CARRIER, url } }, mappings: [WITHOUT_REF] });

export interface Probe {
  readonly document: unknown;
  readonly overlay?: string;
}

export const PROBES: Readonly<Record<string, Probe>> = {
  "a good config": { document: config() },
  "a text": { document: "lamps" },
  "another schema": { document: config({ schema: "lamps.config" }) },
  "version 2": { document: config({ version: 2 }) },
  "a top field that the schema does not know": { document: config({ lamps: true }) },
  "no carriers": { document: config({ carriers: {} }) },
  "carriers as a list": { document: config({ carriers: [CARRIER] }) },
  "no mappings": { document: config({ mappings: [] }) },
  "mappings as an object": { document: config({ mappings: { lamp: MAPPING } }) },
  "a mapping that is a text": { document: config({ mappings: ["lamp.on"] }) },
  "a mapping without a name": { document: config({ mappings: [WITHOUT_NAME] }) },
  "a mapping without a handler": { document: config({ mappings: [WITHOUT_HANDLER] }) },
  "a mapping without an activity type": { document: config({ mappings: [WITHOUT_TYPE] }) },
  "a mapping of a kind that does not exist": { document: mapping({ kind: "lamp" }) },
  "a mapping field that the schema does not know": { document: mapping({ lamp: 1 }) },
  "a mapping of a workflow to an HTTP carrier": { document: mapping({ kind: "workflow_start" }) },
  "a rollout of 120 per cent": { document: mapping({ rollout: { percentage: 120 } }) },
  "a mapping timeout of a text": { document: mapping({ timeout_seconds: "30" }) },
  "an unknown carrier": { document: mapping({ carrier: "fans" }) },
  "an unknown auth_ref of a mapping": { document: mapping({ auth_ref: "fans" }) },
  "an unknown auth_ref of the defaults that is used": {
    document: config({ defaults: { auth_ref: "fans" }, mappings: [WITHOUT_REF] }),
  },
  "an unknown auth_ref of the defaults that nothing uses": { document: config({ defaults: { auth_ref: "fans" } }) },
  "no auth_ref for a target elsewhere": { document: config({ mappings: [WITHOUT_REF] }) },
  "no auth_ref for http://localhost/": { document: loopback("http://localhost/") },
  "no auth_ref for http://localhost./": { document: loopback("http://localhost./") },
  "no auth_ref for http://lamps.localhost./": { document: loopback("http://lamps.localhost./") },
  "no auth_ref for http://lamp_s.localhost/": { document: loopback("http://lamp_s.localhost/") },
  "no auth_ref for http://127.0.0.2/": { document: loopback("http://127.0.0.2/") },
  "no auth_ref for http://[::1]/": { document: loopback("http://[::1]/") },
  "no auth_ref for https://localhost/": { document: loopback("https://localhost/") },
  "no auth_ref for http://localhost.evil.example/": { document: loopback("http://localhost.evil.example/") },
  "http to elsewhere": { document: carrier({ url: "http://lamps.example/tasks" }) },
  "a URL with a password": { document: carrier({ url: "https://lamp:on@lamps.example/" }) },
  "no URL": { document: carrier({ url: undefined }) },
  "method PUT": { document: carrier({ method: "PUT" }) },
  "a timeout of 901 seconds": { document: carrier({ timeout_seconds: 901 }) },
  "a timeout of 1.5 seconds": { document: carrier({ timeout_seconds: 1.5 }) },
  "an HTTP carrier with another capability": {
    document: carrier({ capabilities: ["activity_task", "webhook_ingress"] }),
  },
  "an HTTP carrier without capabilities": { document: carrier({ capabilities: [] }) },
  "six attempts of transport": { document: carrier({ retry_policy: { max_attempts: 6 } }) },
  "a pause of 301 seconds": { document: carrier({ retry_policy: { backoff_seconds: [301] } }) },
  "retryable 404": { document: carrier({ retry_policy: { retryable_status_codes: [404] } }) },
  "a retry policy with an unknown field": { document: carrier({ retry_policy: { jitter: true } }) },
  "a carrier type that does not exist": { document: carrier({ type: "lamp" }) },
  "an activity for a queue service": { document: carrier({ type: "sqs", queue_url: "https://sqs.example/lamps" }) },
  "a process without a command": { document: config({ carriers: { lamps: { type: "process" } } }) },
  "a process with a retry policy": {
    document: config({ carriers: { lamps: { type: "process", command: ["lamp"], retry_policy: {} } } }),
  },
  "a process with a timeout of a day and a second": {
    document: config({ carriers: { lamps: { type: "process", command: ["lamp"], timeout_seconds: 86_401 } } }),
  },
  "signed headers": { document: config({ auth_refs: { lamps: { type: "signed_headers" } } }) },
  "an env reference without its variable": { document: config({ auth_refs: { lamps: { type: "env" } } }) },
  "a key in the config": {
    document: config({ auth_refs: { lamps: { type: "token_file", path: "-----BEGIN PRIVATE KEY-----" } } }),
  },
  "an auth_ref of a type that does not exist": { document: config({ auth_refs: { lamps: { type: "lamp" } } }) },
  "two mappings of one name": {
    document: config({ mappings: [MAPPING, { ...MAPPING, activity_type: "lamp.off" }] }),
  },
  "two mappings of one activity": { document: config({ mappings: [MAPPING, { ...MAPPING, name: "again" }] }) },
  "no task queue": { document: mapping({ task_queue: undefined }) },
  "an overlay that does not exist": { document: config(), overlay: "night" },
  "an overlay with a good URL": {
    document: config({ overlays: { night: { carriers: { lamps: { url: "https://night.example/" } } } } }),
    overlay: "night",
  },
  "an overlay with a bad URL": {
    document: config({ overlays: { night: { carriers: { lamps: { url: "ftp://night.example/" } } } } }),
    overlay: "night",
  },
  "an overlay, not applied, with an unknown field": { document: config({ overlays: { night: { lamp: 1 } } }) },
};
