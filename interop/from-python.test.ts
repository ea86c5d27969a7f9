import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildTaskInput, type TaskInputOptions } from "@durable-workflow/carrier/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LinePeer } from "./support/line-peer.js";
import { describeUnless, pythonPeer, whyNoPython } from "./support/peers.js";

const VERSION = "2.12.0";
const page = readFileSync(fileURLToPath(new URL("../docs/write/from-python.md", import.meta.url)), "utf8");

function task(activityType: string, more: TaskInputOptions = {}): { readonly body: object } {
  return { body: buildTaskInput({ activityType, ...more }) };
}

function failure(classification: string, retryable: boolean, more: object = {}) {
  return { statusCode: 200, result: { outcome: { retryable }, failure: { classification, ...more } } };
}

/** What no carrier runs. */
function workflowTask(): object {
  const { task: activity, workflow, lease, payloads, ...rest } = buildTaskInput({ activityType: "routines.evening" });
  return {
    ...rest,
    task: { ...activity, kind: "workflow_task", compatibility: null },
    workflow: { ...workflow, status: "waiting", resume: {} },
    lease,
    payloads,
    history: { events: [], last_sequence: 0, next_page_token: null, encoding: null },
    headers: {},
  };
}

const INVALID = { statusCode: 400, result: { error: "invalid_invocable_request" } };
const SERVED = { statusCode: 200, result: { outcome: { status: "succeeded" } } };
const { body: envelope } = task("conformance.nothing");
const text = JSON.stringify(envelope);

/** What the second column of the page's table of promises says, where it is more than yes. */
const ANSWERS: readonly (readonly [promise: string, request: object | (() => object), answer: object])[] = [
  [
    "a workflow task is refused",
    { body: workflowTask() },
    failure("application_error", false, { type: "UnsupportedExternalTaskKind" }),
  ],
  [
    "an unknown activity is refused",
    task("nobody.knows"),
    failure("application_error", false, { type: "UnknownActivityHandler" }),
  ],
  [
    "`ActivityCancelled` is a cancellation",
    task("conformance.cancel", { args: ["stopped"] }),
    failure("cancelled", false, { message: "Activity was cancelled before the handler completed." }),
  ],
  [
    "an error of the language from a handler",
    task("conformance.fail-type-error"),
    failure("decode_failure", false, { type: "TypeError" }),
  ],
  ["`TimeoutError` of a handler", task("reference.time-out"), failure("deadline_exceeded", true)],
  [
    "arguments that do not decode",
    task("conformance.echo", { payload: { codec: "avro", blob: "***" } }),
    failure("decode_failure", false),
  ],
  [
    "arguments of another codec",
    task("conformance.echo", { payload: { codec: "morse", blob: "Lg==" } }),
    failure("decode_failure", false),
  ],
  [
    "a reference without a driver",
    task("conformance.echo", {
      payload: {
        codec: "avro",
        external_storage: {
          schema: "durable-workflow.v2.external-payload-reference.v1",
          uri: "s3://payloads/avro/1",
          sha256: "0".repeat(64),
          size_bytes: 1,
          codec: "avro",
        },
      },
    } as TaskInputOptions),
    failure("decode_failure", false),
  ],
  ["a return value that does not encode", task("reference.unencodable"), INVALID],
  [
    "a deadline that is past on receipt: the handler is not called",
    task("conformance.nothing", { startToCloseMs: -1000 }),
    failure("deadline_exceeded", true, { type: "ExternalTaskDeadlineExceeded" }),
  ],
  [
    "a deadline that passes while the handler runs",
    () => task("conformance.sleep", { args: [20_000], startToCloseMs: 500 }),
    failure("deadline_exceeded", true, { type: "TimeoutError" }),
  ],
  ["no body, no JSON, no object, no valid envelope: 400", { body: "no" }, INVALID],
  ["no body, no JSON, no object, no valid envelope: 400", { body: "[]" }, INVALID],
  ["no body, no JSON, no object, no valid envelope: 400", { body: null }, INVALID],
  ["no body, no JSON, no object, no valid envelope: 400", { body: {} }, INVALID],
  [
    "Lambda: a body in base64",
    { event: { body: Buffer.from(text).toString("base64"), isBase64Encoded: true } },
    { ...SERVED, isBase64Encoded: false },
  ],
  ["Lambda: an event of `body` alone, text or document", { event: { body: text } }, SERVED],
  ["Lambda: an event of `body` alone, text or document", { event: { body: envelope } }, SERVED],
  ["Lambda: an event without a body", { event: {} }, INVALID],
  ["Lambda: an event of a queue", { event: { Records: [{ eventSource: "aws:sqs", body: text }] } }, INVALID],
];

describeUnless(whyNoPython(VERSION), `what docs/write/from-python.md says of Python ${VERSION}`, () => {
  let peer: LinePeer;
  beforeAll(() => {
    peer = new LinePeer(pythonPeer(VERSION, "reference"));
  });
  afterAll(() => peer.stop());

  it("leaves out no name", async () => {
    const { names } = await peer.line((line) => Array.isArray(line["names"]), "its names");
    const [, table = ""] = /^## Names\n(.*?)^## /ms.exec(page) ?? [];
    const rows = [...table.matchAll(/^\| (.+?) +\|/gm)].map(([, cell = ""]) => cell);
    const missing = (names as readonly string[]).filter((name) => {
      const [first = "", second] = name.split(" ");
      const word = new RegExp(`\`${(second ?? first).replace(".", "\\.")}\\b`);
      return !rows.some((row) => (second === undefined || row.startsWith(first)) && word.test(row));
    });
    expect(missing).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(["lambda_invocable_activity_handler", "option result_codec"]));
  });

  it.each(ANSWERS.map((each, index) => ({ each, index })))(
    "$each.0 ($index)",
    async ({ each: [promise, request, expected], index: id }) => {
      expect(page).toContain(`| ${promise} `);
      peer.send({ id, ...(typeof request === "function" ? request() : request) });
      const { body, ...rest } = await peer.line((line) => line["id"] === id, "an answer");
      expect({ ...rest, result: JSON.parse(String(body)) as unknown }).toMatchObject(expected);
    },
  );
});
