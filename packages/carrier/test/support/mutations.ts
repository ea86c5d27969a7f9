import { Buffer } from "node:buffer";
import { encodeAvroValue } from "../../src/payload/index.js";
import { pathsOf, REPLACEMENTS } from "./envelope-corpus.js";
import { activityTaskEnvelope, withField, workflowTaskEnvelope } from "./envelopes.js";

/** A whole number from 0 up to, not including, the limit. */
export type Random = (limit: number) => number;
/** A request body that began as a valid envelope. */
export type Mutation = (random: Random) => Uint8Array | string | object;

function pick<T>(random: Random, list: readonly [T, ...T[]]): T {
  return list[random(list.length)] ?? list[0];
}

const REFERENCE = { uri: "s3://bucket/avro/00/00", sha256: "0".repeat(64), size_bytes: 12, codec: "avro" };
const VALUES = [
  ["lamp-7", 3],
  [],
  null,
  "text",
  { a: [1.5, { b: "😀" }] },
  [7n, -0, Uint8Array.of(1, 255), ["x".repeat(300)]],
];
const BLOBS = VALUES.map((value) => encodeAvroValue(value)) as [string, ...string[]];
const HANDLERS = ["echo", "later", "fail", "reject", "unencodable", "throws-proxy", "cancel"] as const;

/** Valid envelopes, of every kind and for every handler. */
const ENVELOPES = [
  workflowTaskEnvelope(),
  activityTaskEnvelope(),
  activityTaskEnvelope({ headers: [], payloads: { arguments: null }, task: { external_executor: { a: [1] } } }),
  activityTaskEnvelope({ lease: { renewed_by: "dispatcher" }, task: { id: 'ключ "😀"\n', handler: "echo" } }),
  activityTaskEnvelope({
    payloads: { arguments: { codec: "avro", external_storage: REFERENCE } },
    task: { handler: "echo" },
  }),
  ...HANDLERS.map((handler, index) =>
    activityTaskEnvelope({
      task: { handler },
      payloads: { arguments: { codec: "avro", blob: BLOBS[index % BLOBS.length] ?? "" } },
    }),
  ),
] as unknown as [object, ...object[]];

const TEXTS = ENVELOPES.map((envelope) => JSON.stringify(envelope)) as [string, ...string[]];
const BYTES = TEXTS.map((text) => new TextEncoder().encode(text)) as unknown as [Uint8Array, ...Uint8Array[]];
const PATHS = new Map(ENVELOPES.map((envelope) => [envelope, pathsOf(envelope)]));

/** Bytes changed, put in, taken out, cut off, repeated, or put together of two envelopes. */
export const mutateBytes: Mutation = (random) => {
  let bytes: Uint8Array = pick(random, BYTES).slice();
  for (let edits = 1 + random(3); edits > 0; edits--) bytes = editBytes(random, bytes);
  return random(4) === 0 ? Buffer.from(bytes).toString("latin1") : bytes;
};

function editBytes(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random(bytes.length + 1);
  const end = at + random(16);
  switch (random(8)) {
    case 0: // one bit
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      return bytes;
    case 1: // any byte
      bytes[at] = random(256);
      return bytes;
    case 2: // a letter, a digit or a sign that JSON knows
      bytes[at] = pick(random, [0x22, 0x2c, 0x3a, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x30, 0x61, 0x2d, 0x2e]);
      return bytes;
    case 3:
      return joined(bytes.subarray(0, at), bytes.subarray(end));
    case 4:
      return joined(bytes.subarray(0, end), bytes.subarray(at));
    case 5:
      return joined(
        bytes.subarray(0, at),
        Uint8Array.from({ length: random(6) }, () => random(256)),
        bytes.subarray(at),
      );
    case 6:
      return random(8) === 0 ? bytes.subarray(0, at) : bytes;
    default: {
      const other = pick(random, BYTES);
      return random(8) === 0 ? joined(bytes.subarray(0, at), other.subarray(random(other.length))) : bytes;
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Values anywhere in the document replaced, left out, moved, wrapped, nested deep, or given a namesake. */
export const mutateStructure: Mutation = (random) => {
  const envelope = pick(random, ENVELOPES);
  const paths = PATHS.get(envelope) ?? [[]];
  let document: unknown = envelope;
  for (let edits = 1 + random(2); edits > 0; edits--) document = editStructure(random, document, paths);
  const text = JSON.stringify(document) ?? "null";
  switch (random(8)) {
    case 0:
      return withNamesake(random, text);
    case 1:
      return JSON.parse(text) ?? {};
    default:
      return text;
  }
};

function editStructure(random: Random, document: unknown, paths: readonly (readonly string[])[]): unknown {
  const path = paths[random(paths.length)] ?? [];
  const other = valueAt(document, paths[random(paths.length)] ?? []);
  switch (random(6)) {
    case 0:
      return withField(document, path, REPLACEMENTS[random(REPLACEMENTS.length)]);
    case 1:
      return withField(document, path, other);
    case 2:
      return withField(document, path, [valueAt(document, path)]);
    case 3:
      return withField(document, path, { value: valueAt(document, path) });
    case 4:
      return withField(document, [...path, pick(random, ["x_unknown", "toString", "length", "0", "then"])], other);
    default:
      return random(16) === 0 ? withField(document, path, nested(1 + random(600))) : document;
  }
}

function valueAt(document: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
}

function nested(levels: number): unknown {
  let value: unknown = "deep";
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { uri: value };
  return value;
}

/** A key put first in some object of the text: one that is there already, or one that objects inherit. */
function withNamesake(random: Random, text: string): string {
  const braces = [...text.matchAll(/\{(?=")/g)].map(({ index }) => index + 1);
  const at = braces[random(braces.length)] ?? 0;
  const key = pick(random, ["__proto__", "constructor", "id", "kind", "task", "codec", "attempt", "toString"]);
  return `${text.slice(0, at)}"${key}":${pick(random, ["1", "{}", '"x"', "null", '{"id":"x"}'])},${text.slice(at)}`;
}

const TEXT_VALUES = ["", " ", "x", "\u0000", "\ud800", "😀", "__proto__", "constructor", "x".repeat(5000)] as const;
const TIMES = [
  "2999-06-01T12:30:00.000000Z",
  "2999-06-01T12:00:00Z",
  "2999-06-01T12:00:00.001Z",
  "2999-06-01t12:30:00+00:30",
  "2999-06-01T12:30:00",
  "9999-12-31T23:59:59.999999Z",
  "0000-01-01T00:00:00Z",
  "1970-01-01T00:00:00Z",
  "2999-02-30T00:00:00Z",
  "2999-06-01",
  "tomorrow",
  "",
] as const;
const time = (random: Random): unknown => (random(8) === 0 ? null : pick(random, TIMES));
const text = (random: Random): unknown => pick(random, TEXT_VALUES);

const ODD_URIS: readonly unknown[] = [
  "s3://b/k",
  "",
  ":",
  "x".repeat(200),
  7,
  null,
  ["s3://b"],
  {},
  { toString: 1, valueOf: 1 },
  { toString: null },
];

/** Fields and what stands in them now and then. */
const FIELDS: readonly [string, (random: Random) => unknown][] = [
  ["schema", (random) => (random(20) === 0 ? "x" : "durable-workflow.v2.external-task-input")],
  ["version", (random) => (random(20) === 0 ? pick<unknown>(random, [0, 2, "1", true, null]) : 1)],
  ["task.id", text],
  ["task.kind", (random) => pick(random, ["activity_task", "workflow_task", "activity_task", "x"])],
  [
    "task.attempt",
    (random) => pick<unknown>(random, [1, 2, 7, 2 ** 53 - 1, 2 ** 53, 0, -1, 1.5, "1", true, null, 1e300]),
  ],
  ["task.handler", (random) => pick<unknown>(random, [...HANDLERS, ...HANDLERS, ...TEXT_VALUES, null])],
  ["task.idempotency_key", text],
  ["task.connection", (random) => pick<unknown>(random, [null, "cellar", 7])],
  ["task.external_executor", (random) => pick<unknown>(random, [null, {}, { a: nested(5) }, []])],
  ["workflow.id", text],
  ["lease.expires_at", time],
  ["lease.renewed_by", (random) => pick<unknown>(random, [null, "dispatcher", 7, {}])],
  ["deadlines.schedule_to_start", time],
  ["deadlines.start_to_close", time],
  ["deadlines.schedule_to_close", time],
  ["deadlines.heartbeat", time],
  ["headers", (random) => pick<unknown>(random, [[], {}, { traceparent: 7 }, ["x"], null])],
  ["payloads.arguments", (random) => payload(random)],
  ["payloads.arguments", (random) => payload(random)],
];

function payload(random: Random): unknown {
  switch (random(6)) {
    case 0:
      return pick<unknown>(random, [
        null,
        {},
        { codec: "avro" },
        { codec: "json", blob: "[]" },
        { codec: 7, blob: "" },
        [],
      ]);
    case 1:
      return { codec: "avro", external_storage: { ...REFERENCE, uri: ODD_URIS[random(ODD_URIS.length)] } };
    case 2:
      return { codec: "avro", external_storage: REPLACEMENTS[random(REPLACEMENTS.length)] ?? null };
    case 3: // not base64 any more, perhaps
      return {
        codec: "avro",
        blob: Buffer.from(editBytes(random, Buffer.from(pick(random, BLOBS)))).toString("latin1"),
      };
    case 4: // base64 of a datum with a byte or two changed
      return {
        codec: "avro",
        blob: Buffer.from(editBytes(random, Buffer.from(pick(random, BLOBS), "base64"))).toString("base64"),
      };
    default:
      return { codec: "avro", blob: pick(random, BLOBS) };
  }
}

/** Fields of the contract given values that are right, nearly right, or wrong in a way that matters. */
export const mutateFields: Mutation = (random) => {
  let document: unknown = pick(random, ENVELOPES);
  for (let edits = 1 + random(3); edits > 0; edits--) {
    const field = FIELDS[random(FIELDS.length)];
    if (field !== undefined) document = withField(document, field[0], field[1](random));
  }
  return random(3) === 0 ? Buffer.from(JSON.stringify(document)) : JSON.stringify(document);
};
