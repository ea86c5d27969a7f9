import fc from "fast-check";
import { isObject } from "../../src/protocol/fields.js";
import {
  EXTERNAL_TASK_INPUT_SCHEMA,
  EXTERNAL_TASK_INPUT_VERSION,
  EXTERNAL_TASK_RESULT_SCHEMA,
  EXTERNAL_TASK_RESULT_VERSION,
  FAILURE_CLASSIFICATIONS,
  FAILURE_KINDS,
  TASK_KINDS,
  TIMEOUT_TYPES,
} from "../../src/protocol/index.js";
import { withField } from "./envelopes.js";

// Valid envelopes, of random values

const text = fc.string({ unit: "grapheme", maxLength: 8 });
const nullableText = fc.option(text, { nil: null });
const anything = fc.jsonValue({ maxDepth: 1 });
const object = fc.dictionary(text, anything, { maxKeys: 2 });
const nullableObject = fc.option(object, { nil: null });
const attempt = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(Number.MAX_SAFE_INTEGER));
const safeInteger = fc.oneof(fc.maxSafeInteger(), fc.constant(0), fc.constant(Number.MIN_SAFE_INTEGER));

const inputHead = {
  schema: fc.constant(EXTERNAL_TASK_INPUT_SCHEMA),
  version: fc.constant(EXTERNAL_TASK_INPUT_VERSION),
  lease: fc.record(
    { owner: text, expires_at: text, heartbeat_endpoint: text, renewed_by: anything },
    { requiredKeys: ["owner", "expires_at", "heartbeat_endpoint"] },
  ),
  payloads: fc.record({ arguments: nullableObject }),
  headers: fc.oneof(object, fc.constant([])),
};
const inputTask = { id: text, attempt, task_queue: text, connection: nullableText, idempotency_key: text };

const activityTask = fc.record({
  ...inputHead,
  task: fc.oneof(
    fc.record({ ...inputTask, kind: fc.constant("activity_task"), activity_attempt_id: text, handler: text }),
    fc.record({
      ...inputTask,
      kind: fc.constant("activity_task"),
      activity_attempt_id: text,
      handler: text,
      external_executor: nullableObject,
    }),
  ),
  workflow: fc.record({ id: text, run_id: text }),
  deadlines: fc.record({
    schedule_to_start: nullableText,
    start_to_close: nullableText,
    schedule_to_close: nullableText,
    heartbeat: nullableText,
  }),
});

const workflowTask = fc.record({
  ...inputHead,
  task: fc.record({
    ...inputTask,
    kind: fc.constant("workflow_task"),
    handler: nullableText,
    compatibility: nullableText,
  }),
  workflow: fc.record({ id: text, run_id: text, status: nullableText, resume: object }),
  history: fc.record({
    events: fc.array(anything, { maxLength: 2 }),
    last_sequence: safeInteger,
    next_page_token: nullableText,
    encoding: nullableText,
  }),
});

const resultHead = {
  schema: fc.constant(EXTERNAL_TASK_RESULT_SCHEMA),
  version: fc.constant(EXTERNAL_TASK_RESULT_VERSION),
  task: fc.record({ id: text, kind: fc.constantFrom(...TASK_KINDS), attempt, idempotency_key: text }),
  metadata: fc.record(
    { handler: nullableText, carrier: text, duration_ms: fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER)) },
    { requiredKeys: [] },
  ),
};

const payload = fc.oneof(
  fc.constant(null),
  fc.record({ codec: text, blob: text }),
  fc.record({ codec: text, external_storage: object }),
  fc.record({ codec: text, blob: text, external_storage: anything }),
);

const success = fc.record({
  ...resultHead,
  outcome: fc.record({ status: fc.constant("succeeded"), recorded: fc.boolean() }),
  result: fc.oneof(
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 4, arbitrary: fc.record({ payload, metadata: nullableObject }) },
  ),
});

const failedOutcome = fc.record({ status: fc.constant("failed"), retryable: fc.boolean(), recorded: fc.boolean() });
const failureFields = {
  message: text,
  type: nullableText,
  stack_trace: nullableText,
  timeout_type: fc.constantFrom(null, ...TIMEOUT_TYPES),
  cancelled: fc.boolean(),
  details: nullableObject,
};

const failure = fc.record({
  ...resultHead,
  outcome: failedOutcome,
  failure: fc.record({
    ...failureFields,
    kind: fc.constantFrom(...FAILURE_KINDS.filter((kind) => kind !== "malformed_output")),
    classification: fc.constantFrom(...FAILURE_CLASSIFICATIONS.filter((name) => name !== "malformed_output")),
  }),
});

const malformedOutput = fc.record({
  ...resultHead,
  outcome: failedOutcome,
  failure: fc.record({
    ...failureFields,
    kind: fc.constant("malformed_output"),
    classification: fc.constant("malformed_output"),
  }),
  raw_output: object,
});

// Changes

const ONE_OF_EVERY_TYPE = [null, true, false, "", "text", "1", [], [1], [[]], {}, { a: 1 }];
const NUMBERS = [0, 1, 2, -1, 0.5, 1.5, 2 ** 53 - 1, 2 ** 53, -(2 ** 53 - 1), -(2 ** 53), 1e300, 5e-324];
const RIGHT_NAMES = [EXTERNAL_TASK_INPUT_SCHEMA, EXTERNAL_TASK_RESULT_SCHEMA, "succeeded", "failed", ...TASK_KINDS];
const WRONG_NAMES = ["durable-workflow.v3.external-task-input", "Activity_Task", "pending", "idle", "constructor"];
const FAILURE_NAMES = [...FAILURE_KINDS, ...FAILURE_CLASSIFICATIONS, ...TIMEOUT_TYPES];

/** What a field may be replaced with: `undefined` leaves it out. */
export const REPLACEMENTS: readonly unknown[] = [
  undefined,
  ...ONE_OF_EVERY_TYPE,
  ...NUMBERS,
  ...RIGHT_NAMES,
  ...WRONG_NAMES,
  ...FAILURE_NAMES,
];

/** What may be added to any object: a name that the contract does not know, and some that it knows elsewhere. */
export const ADDITIONS: readonly string[] = [
  "x_unknown",
  "blob",
  "codec",
  "deadlines",
  "external_executor",
  "external_storage",
  "failure",
  "handler",
  "history",
  "raw_output",
  "renewed_by",
  "result",
  "retryable",
];

/** The way to every value in a document, the document itself first. */
export function pathsOf(document: unknown): readonly (readonly string[])[] {
  if (!isObject(document) && !Array.isArray(document)) return [[]];
  const below = Object.entries(document).flatMap(([key, value]) => pathsOf(value).map((path) => [key].concat(path)));
  return [[], ...below];
}

const changes = fc.array(
  fc.record({
    at: fc.nat(),
    addition: fc.option(fc.constantFrom(...ADDITIONS), { nil: undefined, freq: 3 }),
    value: fc.constantFrom(...REPLACEMENTS),
  }),
  { maxLength: 3 },
);

/** Documents that start as valid envelopes and are then changed in up to three places. */
function changed(envelopes: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.tuple(envelopes, changes).map(([envelope, list]) => {
    let document = envelope;
    for (const { at, addition, value } of list) {
      const paths = pathsOf(document);
      const path = paths[at % paths.length] ?? [];
      document = withField(document, addition === undefined ? path : [...path, addition], value) ?? null;
    }
    return asJson(document);
  });
}

/** The document as it arrives: through JSON. */
export function asJson(document: unknown): unknown {
  return JSON.parse(JSON.stringify(document));
}

export const inputDocuments = changed(fc.oneof(activityTask, workflowTask));
export const resultDocuments = changed(fc.oneof(success, failure, malformedOutput));
