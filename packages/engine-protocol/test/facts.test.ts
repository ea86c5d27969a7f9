import { House } from "@durable-workflow/test-support/sources";
import { expect, it } from "vitest";
import { CONTROL_PLANE_VERSION, PROTOCOL_VERSION, SINCE } from "../src/version.js";

/**
 * A fact of the engine's wire stands in one source file: whoever needs it imports it. The carrier depends on nothing, so
 * that its own contract is its own, and a few facts of the engine's stand there a second time, each with its reason.
 */
interface Fact {
  readonly pattern: RegExp;
  /** Where it stands. */
  readonly home: RegExp;
  /** Where else it may stand, and why. */
  readonly also?: readonly { readonly file: string; readonly why: string }[];
}

const quoted = (text: string): RegExp => new RegExp(`["'\`]${text.replaceAll(".", "\\.")}["'\`]`);
const RUNTIME_PAYLOADS = "the carrier fetches and uploads payloads by itself, and depends on nothing";
const HEARTBEATS = "the carrier's own protocol: it heartbeats by itself, and depends on nothing";

const FACTS: Readonly<Record<string, Fact>> = {
  "worker protocol version": {
    pattern: quoted(PROTOCOL_VERSION),
    home: /^engine-protocol\/src\/version\.ts$/,
  },
  "control-plane version": {
    pattern: new RegExp(`version["'\\]]?\\s*[:=]\\s*["']${CONTROL_PLANE_VERSION}["']`, "i"),
    home: /^engine-protocol\/src\/version\.ts$/,
  },
  "parser of versions": {
    pattern: /\^\(\\d(?:\{1,\d\}|\+)\)\\\.\(\\d/,
    home: /^engine-protocol\/src\/version\.ts$/,
  },
  headers: {
    pattern: /x-durable-workflow-(?:protocol|control-plane)-version|x-namespace/i,
    home: /^engine-protocol\/src\/headers\.ts$/,
    also: [
      { file: "carrier/src/activity/heartbeat/engine-heartbeat-sender.ts", why: HEARTBEATS },
      { file: "carrier/src/storage/runtime/engine-payloads.ts", why: RUNTIME_PAYLOADS },
    ],
  },
  "headers of payloads": {
    pattern: /x-durable-workflow-payload-(?:codec|size|sha256|completion)/i,
    home: /^engine-protocol\/src\/external-payloads\/headers\.ts$/,
    also: [{ file: "carrier/src/protocol/runtime-payload.ts", why: RUNTIME_PAYLOADS }],
  },
  "the transport of payloads": {
    pattern: /runtime-external-payload-(?:transport|upload|error)\.v\d|payload-completion-context\.v\d/,
    home: /^engine-protocol\/src\/external-payloads\/schemas\.ts$/,
    also: [{ file: "carrier/src/protocol/runtime-payload.ts", why: RUNTIME_PAYLOADS }],
  },
  "status and retry of refused payloads": {
    pattern: /external_payload_(?:not_found|expired|unsupported): \{/,
    home: /^engine-protocol\/src\/external-payloads\/errors\.ts$/,
  },
  paths: {
    pattern: /["'`]\/api\//,
    home: /^engine-protocol\/src\/(?:activity-)?paths\.ts$/,
    also: [
      { file: "carrier/src/protocol/heartbeat-endpoint.ts", why: "an example in an error message" },
      { file: "carrier/src/protocol/runtime-payload.ts", why: RUNTIME_PAYLOADS },
      { file: "carrier/src/testing/build-task-input.ts", why: "made-up tasks look like an engine's" },
      { file: "carrier/src/testing/conformance/tasks.ts", why: "made-up tasks look like an engine's" },
    ],
  },
  "reasons by which a lease is gone": {
    pattern: /"task_not_found",\s*"attempt_not_found"/,
    home: /^carrier\/src\/protocol\/constants\.ts$/,
  },
  "reasons by which a registration is gone": {
    pattern: /worker_not_\(\?:registered\|found\)/,
    home: /^engine-protocol\/src\/reasons\.ts$/,
  },
  "failure kinds": {
    pattern: /"malformed_output",\s*"handler_crash",\s*"decode_failure"/,
    home: /^carrier\/src\/protocol\/constants\.ts$/,
  },
  "timeout types": {
    pattern: /"schedule_to_start",\s*"start_to_close",\s*"schedule_to_close",\s*"heartbeat",\s*"deadline_exceeded"/,
    home: /^carrier\/src\/protocol\/constants\.ts$/,
  },
  "runtimes of workers": {
    pattern: /"php",\s*"python"/,
    home: /^engine-protocol\/src\/worker\/registration\.ts$/,
  },
  "the leased task, written and read": {
    pattern: /readonly activity_attempt_id: string;[^}]*readonly attempt_number: number;/s,
    home: /^engine-protocol\/src\/worker\/task\.ts$/,
  },
  "answers to start, describe and list": {
    pattern: /readonly workflow_run_id: string;/,
    home: /^engine-protocol\/src\/control\/activities\.ts$/,
  },
  "the retry rule": {
    pattern: /attempt\w*\s*>=\s*(?:\w+\.)?max_?[aA]ttempts|\.length\)\s*-\s*1\]/,
    home: /^engine-protocol\/src\/control\/retry-policy\.ts$/,
    also: [{ file: "dispatcher/src/delivery/retry.ts", why: "another policy: of one delivery, by the transport" }],
  },
  "schema id of the executor config": {
    pattern: quoted("durable-workflow.external-executor.config"),
    home: /^engine-protocol\/src\/executor-config\/shape\.ts$/,
  },
  "ids of published contracts": {
    pattern: /durable-workflow\.v2\.[a-z-]+\.contract["'`]|"durable-workflow\.v2\.control-plane-response"/,
    home: /^engine-protocol\/src\/control\/contracts\.ts$/,
  },
  "rules of the executor config": {
    pattern: /"(?:invalid_carrier_target|missing_invocable_auth_ref|duplicate_mapping_name|invalid_queue_binding)"/,
    home: /^engine-protocol\/src\/executor-config\//,
    also: [
      { file: "dispatcher/src/dispatch/reloads.ts", why: "a reloaded config that no lanes can be made for" },
      { file: "local-engine/src/executor/words.ts", why: "the server's own words for the errors, no rule" },
    ],
  },
  "hosts that are this machine, in an executor config": {
    pattern: /endsWith\("\.localhost"\)/,
    home: /^engine-protocol\/src\/executor-config\/target\.ts$/,
  },
  "keys that name a secret": {
    pattern: /token\|secret\|authorization/,
    home: /^engine-protocol\/src\/executor-config\/redact\.ts$/,
  },
  "what an object is": {
    pattern: /typeof (\w+) === "object" && \1 !== null && !Array\.isArray\(\1\)/,
    home: /^carrier\/src\/protocol\/json-object\.ts$/,
  },
  "the longest name": {
    pattern: /\b255\b/,
    home: /^engine-protocol\/src\/limits\.ts$/,
    also: [
      { file: "carrier/src/protocol/recordable-name.ts", why: "bytes of a failure's type, not characters of a name" },
      { file: "carrier/src/testing/conformance/arguments.ts", why: "the greatest byte" },
      { file: "dispatcher/src/net/addresses.ts", why: "the greatest byte" },
      { file: "engine-protocol/src/worker/trace-context.ts", why: "the grammar of W3C Trace Context" },
    ],
  },
  "reading a body up to a limit": {
    pattern: /\.getReader\(\)|for await \(const \w+ of \w*body|await readChunks\(/i,
    home: /^dispatcher\/src\/net\/bounded-body\.ts$/,
    also: [
      { file: "carrier/src/activity/heartbeat/engine-heartbeat-sender.ts", why: HEARTBEATS },
      {
        file: "carrier/src/http/web-body.ts",
        why: "requests, counted as they come, where the platform may have read them",
      },
      { file: "carrier/src/storage/body.ts", why: "stored payloads, verified as they come" },
      { file: "carrier/src/storage/runtime/engine-fetch.ts", why: RUNTIME_PAYLOADS },
      { file: "carrier/src/storage/runtime/engine-payloads.ts", why: RUNTIME_PAYLOADS },
      { file: "dispatcher/src/payloads/verified-body.ts", why: "payloads, hashed as they come, up to their own size" },
      { file: "client/src/transport/fetch.ts", why: "runs in browsers too, and on fetch alone" },
      { file: "client/src/tools/event-stream.ts", why: "a stream of events, which has no end" },
      { file: "cli/src/net/exchange.ts", why: "the command's one client: packed answers too, and nothing is repeated" },
    ],
  },
  clock: {
    pattern: /interface Clock\b/,
    home: /^carrier\/src\/activity\/clock\.ts$/,
    also: [
      { file: "dispatcher/src/time/clock.ts", why: "a small price for the layers" },
      { file: "local-engine/src/clock.ts", why: "a small price for the layers" },
    ],
  },
  "limits of progress": {
    pattern: /\b280\b/,
    home: /^carrier\/src\/protocol\/heartbeat-progress\.ts$/,
  },
};

/** Without comments: prose may name what code may not. */
const code = new Map(
  new House().packages.flatMap(({ folder, sources }) =>
    sources.files.map((file) => [`${folder}/src/${file}`, sources.code(file)] as const),
  ),
);

/** A carrier may import nothing, so that it says for itself which version first keeps payloads apart. */
it("carriers ask for payloads by the version that first keeps them apart", () => {
  const text = code.get("carrier/src/storage/runtime/engine-payloads.ts") ?? "";
  expect(/const PROTOCOL_VERSION = "([\d.]+)"/.exec(text)?.[1]).toBe(SINCE.externalPayloads);
});

it("finds the sources", () => {
  expect(code.size).toBeGreaterThan(350);
});

it.each(Object.entries(FACTS))("%s: one home", (_, { pattern, home, also = [] }) => {
  const found = [...code].filter(([, text]) => pattern.test(text)).map(([file]) => file);
  const atHome = found.filter((file) => home.test(file));
  expect(atHome, "the home has it").not.toEqual([]);
  // An exception that is needed no longer must go.
  expect(new Set(found.filter((file) => !home.test(file)))).toEqual(new Set(also.map(({ file }) => file)));
});
