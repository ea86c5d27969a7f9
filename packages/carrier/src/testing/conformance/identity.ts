import { rawTask, task, variants } from "./request.js";
import { activityTask } from "./tasks.js";
import type { ConformanceCase } from "./types.js";

/** Which task an answer speaks for, and what of the envelope a carrier passes over. */
export const identityCases: readonly ConformanceCase[] = [
  {
    id: "identity/echoed",
    requirement: "required",
    contract: "A result repeats the id, kind, attempt and idempotency key of the task it is for.",
    request: task("conformance.echo", ["hello"]),
    expect: { outcome: "success", value: "hello" },
  },
  ...variants(
    [
      { id: "identity/unicode", task: { id: "задача-七-😀", idempotency_key: "ключ-七-😀" } },
      { id: "identity/punctuation", task: { id: 'a "quoted" \\ id/with?odd&characters#', idempotency_key: "'; --" } },
      { id: "identity/control-characters", task: { id: "a\tb\nc\u0000d\u2028e", idempotency_key: "\u0001" } },
      { id: "identity/blank", task: { id: " ", idempotency_key: "\u00a0" } },
      { id: "identity/empty", task: { id: "", idempotency_key: "" } },
      { id: "identity/inherited-names", task: { id: "__proto__", idempotency_key: "constructor" } },
      { id: "identity/long", task: { id: "i".repeat(4096), idempotency_key: "k".repeat(4096) } },
      { id: "identity/numeric-text", task: { id: "007", idempotency_key: "1e3" } },
      { id: "identity/late-attempt", task: { attempt: 2_147_483_648 } },
    ],
    ({ task: changes }) => ({
      requirement: "required",
      contract: "Ids are any text and attempts any integer from 1: they come back as they were sent.",
      request: task("conformance.echo", [1], { task: changes }),
      expect: { outcome: "success", value: 1 },
    }),
  ),
  {
    id: "identity/echoed-in-failures",
    requirement: "required",
    contract: "A failure repeats the identity of its task as a success does.",
    request: task("conformance.fail", ["no"], { task: { id: "задача-😀", attempt: 7, idempotency_key: "k 7" } }),
    expect: { outcome: "failure", kind: "application", classification: "application_error", retryable: true },
  },
  {
    id: "identity/delivered-twice",
    requirement: "required",
    contract: "The same task may arrive more than once; each delivery is answered.",
    request: task("conformance.echo", ["again"], { task: { id: "conformance-twice" } }),
    expect: { outcome: "success", value: "again" },
    deliveries: 2,
  },
  {
    id: "envelope/empty-list-as-headers",
    requirement: "required",
    contract: "`headers` may be an empty list, which is how PHP writes an empty map.",
    request: task("conformance.echo", [1], { headers: [] }),
    expect: { outcome: "success", value: 1 },
  },
  {
    id: "envelope/headers",
    requirement: "required",
    contract: "`headers` of the envelope, such as traceparent, do not change what a handler is given.",
    request: task("conformance.arguments", [1], {
      headers: { traceparent: "00-11112222333344445555666677778888-9999aaaabbbbcccc-01", tracestate: 7 },
    }),
    expect: { outcome: "success", value: [1] },
  },
  {
    id: "envelope/external-executor-null",
    requirement: "required",
    contract: "`task.external_executor` may be left out, null or an object.",
    request: task("conformance.echo", [1], { task: { external_executor: null } }),
    expect: { outcome: "success", value: 1 },
  },
  {
    id: "envelope/external-executor",
    requirement: "required",
    contract: "`task.external_executor` may be left out, null or an object.",
    request: task("conformance.echo", [1], { task: { external_executor: { carrier: "c", auth: "[redacted]" } } }),
    expect: { outcome: "success", value: 1 },
  },
  {
    id: "envelope/unknown-fields",
    requirement: "required",
    contract: "Unknown fields are ignored, wherever they are.",
    request: ({ now }) => {
      const known = activityTask({ now, handler: "conformance.echo", args: [1] });
      const unknown = { x_unknown: { deep: [1, null] }, status: 7 };
      return {
        document: {
          ...unknown,
          ...known,
          task: { ...unknown, ...known.task, compatibility: 9 },
          workflow: { ...unknown, ...known.workflow },
          lease: { ...unknown, ...known.lease, renewed_by: null },
          payloads: { ...unknown, ...known.payloads },
          deadlines: { ...unknown, ...known.deadlines },
          history: "not for activities",
        },
      };
    },
    expect: { outcome: "success", value: 1 },
  },
  {
    id: "envelope/order-of-fields",
    requirement: "required",
    contract: "The order of fields means nothing.",
    request: rawTask((document) => ({ document: Object.fromEntries(Object.entries(document).toReversed()) })),
    expect: { outcome: "success", value: 1 },
  },
  {
    id: "envelope/white-space",
    requirement: "required",
    contract: "The body is JSON in any layout.",
    request: rawTask((document) => ({ body: `\r\n\t ${JSON.stringify(document, null, "\t")} \n` })),
    expect: { outcome: "success", value: 1 },
  },
];
