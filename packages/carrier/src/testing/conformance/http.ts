import { EXTERNAL_TASK_INPUT_MEDIA_TYPE, INVALID_INVOCABLE_REQUEST } from "../../protocol/constants.js";
import { isObject, type JsonObject } from "../../protocol/fields.js";
import { rawTask, task, variants } from "./request.js";
import { activityTask } from "./tasks.js";
import type { ConformanceCase, ExpectedRefusal } from "./types.js";

const INVALID = {
  outcome: "refusal",
  status: 400,
  error: INVALID_INVOCABLE_REQUEST,
} as const satisfies ExpectedRefusal;

const MALFORMED: readonly { readonly id: string; readonly body: string | Uint8Array }[] = [
  { id: "body/empty", body: "" },
  { id: "body/blank", body: " \n" },
  { id: "body/not-json", body: "schema=durable-workflow.v2.external-task-input" },
  { id: "body/cut-off", body: '{"schema":"durable-workflow.v2.external-task-input","version":1,"task":{"id":' },
  { id: "body/two-documents", body: "{}{}" },
  { id: "body/null", body: "null" },
  { id: "body/true", body: "true" },
  { id: "body/number", body: "7" },
  { id: "body/text", body: '"activity_task"' },
  { id: "body/list", body: "[]" },
  { id: "body/empty-object", body: "{}" },
  { id: "body/not-utf8", body: Uint8Array.of(0xff, 0xfe, 0x00, 0x80) },
];

/** Where the document is changed, and to what; `undefined` leaves the field out. */
const VIOLATIONS: readonly { readonly id: string; readonly path: readonly string[]; readonly value: unknown }[] = [
  { id: "input/schema-missing", path: ["schema"], value: undefined },
  { id: "input/schema-of-results", path: ["schema"], value: "durable-workflow.v2.external-task-result" },
  { id: "input/schema-of-another-version", path: ["schema"], value: "durable-workflow.v3.external-task-input" },
  { id: "input/version-missing", path: ["version"], value: undefined },
  { id: "input/version-2", path: ["version"], value: 2 },
  { id: "input/version-as-text", path: ["version"], value: "1" },
  { id: "input/version-true", path: ["version"], value: true },
  { id: "input/task-missing", path: ["task"], value: undefined },
  { id: "input/task-list", path: ["task"], value: [] },
  { id: "input/id-missing", path: ["task", "id"], value: undefined },
  { id: "input/id-null", path: ["task", "id"], value: null },
  { id: "input/id-number", path: ["task", "id"], value: 7 },
  { id: "input/kind-missing", path: ["task", "kind"], value: undefined },
  { id: "input/kind-unknown", path: ["task", "kind"], value: "query_task" },
  { id: "input/attempt-missing", path: ["task", "attempt"], value: undefined },
  { id: "input/attempt-0", path: ["task", "attempt"], value: 0 },
  { id: "input/attempt-negative", path: ["task", "attempt"], value: -1 },
  { id: "input/attempt-fraction", path: ["task", "attempt"], value: 1.5 },
  { id: "input/attempt-true", path: ["task", "attempt"], value: true },
  { id: "input/attempt-as-text", path: ["task", "attempt"], value: "1" },
  { id: "input/handler-null", path: ["task", "handler"], value: null },
  { id: "input/idempotency-key-missing", path: ["task", "idempotency_key"], value: undefined },
  { id: "input/connection-missing", path: ["task", "connection"], value: undefined },
  { id: "input/workflow-missing", path: ["workflow"], value: undefined },
  { id: "input/lease-missing", path: ["lease"], value: undefined },
  { id: "input/lease-end-null", path: ["lease", "expires_at"], value: null },
  { id: "input/payloads-missing", path: ["payloads"], value: undefined },
  { id: "input/arguments-missing", path: ["payloads", "arguments"], value: undefined },
  { id: "input/arguments-list", path: ["payloads", "arguments"], value: [1] },
  { id: "input/deadlines-missing", path: ["deadlines"], value: undefined },
  { id: "input/deadline-missing", path: ["deadlines", "heartbeat"], value: undefined },
  { id: "input/deadline-number", path: ["deadlines", "heartbeat"], value: 32_503_680_000 },
  { id: "input/headers-missing", path: ["headers"], value: undefined },
  { id: "input/headers-filled-list", path: ["headers"], value: ["traceparent"] },
];

/** The document with one field replaced; a field that becomes `undefined` is not in its JSON. */
function withField(document: JsonObject, path: readonly string[], value: unknown): JsonObject {
  const [name = "", ...rest] = path;
  const below = document[name];
  return { ...document, [name]: isObject(below) && rest.length > 0 ? withField(below, rest, value) : value };
}

export const httpCases: readonly ConformanceCase[] = [
  ...variants(MALFORMED, ({ body }) => ({
    requirement: "required",
    contract: "A body that no task identity can be read from is answered with 400 and a JSON error.",
    request: () => ({ body }),
    expect: INVALID,
  })),
  ...variants(VIOLATIONS, ({ path, value }) => ({
    requirement: "required",
    contract: "An envelope that violates the input contract is answered with 400 and a JSON error.",
    request: ({ now }) => ({
      document: withField({ ...activityTask({ now, handler: "conformance.echo", args: [1] }) }, path, value),
    }),
    expect: INVALID,
  })),
  {
    id: "body/not-utf8-within-text",
    requirement: "recommended",
    contract: "JSON is UTF-8: a body with other bytes in one of its texts is not silently mended.",
    request: rawTask((document) => ({ body: withBrokenText(JSON.stringify(document)) })),
    expect: INVALID,
  },
  {
    id: "http/media-type-with-parameter",
    requirement: "recommended",
    contract: "The media type of a request may have parameters.",
    request: (context) => ({
      ...task("conformance.echo", [1])(context),
      headers: { "content-type": `${EXTERNAL_TASK_INPUT_MEDIA_TYPE}; charset=utf-8` },
    }),
    expect: { outcome: "success", value: 1 },
  },
  ...variants(
    [
      // Not GET: what a carrier answers to that, for health checks say, is its own business.
      { id: "http/patch", method: "PATCH" },
      { id: "http/put", method: "PUT" },
      { id: "http/delete", method: "DELETE" },
    ],
    ({ method }) => ({
      requirement: "recommended",
      contract: "Tasks come as POST; another method is answered with 405 and the allowed ones.",
      request: () => ({ method }),
      expect: { outcome: "refusal", status: 405, error: "method_not_allowed", headersInclude: { allow: "POST" } },
    }),
  ),
];

/** The bytes of a JSON text with 0xFF in place of the first character of its task id. */
function withBrokenText(json: string): Uint8Array {
  const bytes = new TextEncoder().encode(json);
  const at = json.indexOf("conformance-task-1");
  bytes[at] = 0xff;
  return bytes;
}
