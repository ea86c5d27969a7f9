// The Avro Value codec against JSON in base64, and against avsc.
import { readFileSync } from "node:fs";
import avsc from "avsc";
import { createAvroCodec } from "../packages/carrier/dist/payload/codec.js";
import { bufferBytes } from "../packages/carrier/dist/payload/platform/buffer.js";
import { portableBytes } from "../packages/carrier/dist/payload/platform/portable.js";
import { compare } from "./lib.mjs";

const codec = createAvroCodec(bufferBytes);
const portable = createAvroCodec(portableBytes);

/** The shape of the contract's medium corpus: every kind, nested. */
const medium = {
  workflow: "benchmark",
  attempt: 7,
  ratio: 7.5,
  enabled: true,
  note: "typed value",
  blob: new Uint8Array([0, 255]),
  items: [null, false, -9, 3.25, "nested", { region: "us-east-1", retries: [1, 2, 3] }],
};
const mediumJson = { ...medium, blob: "AP8=" };

const toBase64 = (value) => Buffer.from(JSON.stringify(value), "utf8").toString("base64");
const fromBase64 = (text) => JSON.parse(Buffer.from(text, "base64").toString("utf8"));

const vectors = JSON.parse(
  readFileSync(new URL("../packages/carrier/test/vectors/avro-value.json", import.meta.url), "utf8"),
);
const type = avsc.Type.forSchema(vectors.schema, { wrapUnions: true });
const HEADER = Buffer.from("c301e2a33dff55802237", "hex");

const branch = (name, field, content) => ({ value: { [`durable_workflow.protocol.${name}`]: { [field]: content } } });

function toAvsc(value) {
  if (value === null) return { value: null };
  if (typeof value === "boolean") return branch("BooleanValue", "boolean", value);
  if (Number.isInteger(value)) return branch("LongValue", "long", value);
  if (typeof value === "number") return branch("DoubleValue", "double", value);
  if (typeof value === "string") return branch("StringValue", "string", value);
  if (value instanceof Uint8Array) return branch("BytesValue", "bytes", Buffer.from(value));
  if (Array.isArray(value)) return branch("ArrayValue", "items", value.map(toAvsc));
  const entries = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toAvsc(item)]));
  return branch("MapValue", "entries", entries);
}

function fromAvsc({ value }) {
  if (value === null) return null;
  const [[name, content]] = Object.entries(value);
  const [inner] = Object.values(content);
  if (name.endsWith("ArrayValue")) return inner.map(fromAvsc);
  if (name.endsWith("MapValue")) {
    return Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, fromAvsc(item)]));
  }
  return inner;
}

export async function codecBenchmarks() {
  const blob = codec.encode(medium);
  const json = toBase64(mediumJson);
  await compare(
    "encode the medium corpus",
    {
      "JSON + base64": () => toBase64(mediumJson),
      ours: () => codec.encode(medium),
    },
    { ours: 0.65 },
  );
  await compare(
    "decode the medium corpus",
    {
      "JSON + base64": () => fromBase64(json),
      ours: () => codec.decode(blob),
    },
    { ours: 0.8 },
  );
  const small = Array.from({ length: 10_000 }, (_, id) => ({ id, name: `item${id}`, ok: id % 2 === 0 }));
  const smallBlob = codec.encode(small);
  const smallJson = toBase64(small);
  await compare(
    "encode 10,000 small maps",
    { "JSON + base64": () => toBase64(small), ours: () => codec.encode(small) },
    { ours: 0.75 },
  );
  await compare(
    "decode 10,000 small maps",
    { "JSON + base64": () => fromBase64(smallJson), ours: () => codec.decode(smallBlob) },
    { ours: 0.75 },
  );

  const long = "abcdefghijklmnop".repeat(65_536);
  const longBlob = codec.encode(long);
  const longJson = toBase64(long);
  await compare(
    "encode 1 MiB of ASCII",
    { "JSON + base64": () => toBase64(long), ours: () => codec.encode(long) },
    { ours: 0.35 },
  );
  await compare(
    "decode 1 MiB of ASCII",
    { "JSON + base64": () => fromBase64(longJson), ours: () => codec.decode(longBlob) },
    { ours: 0.35 },
  );

  // Last, since other work and a second platform in the process make the engine's code for ours more general.
  await compare(
    "encode the medium corpus, against avsc",
    {
      avsc: () => Buffer.concat([HEADER, type.toBuffer(toAvsc(medium))]).toString("base64"),
      ours: () => codec.encode(medium),
    },
    { ours: 0.25 },
  );
  await compare(
    "decode the medium corpus, against avsc",
    { avsc: () => fromAvsc(type.fromBuffer(Buffer.from(blob, "base64").subarray(10))), ours: () => codec.decode(blob) },
    { ours: 0.25 },
  );
  await compare(
    "encode without Buffer",
    { "with Buffer": () => codec.encode(medium), "without Buffer": () => portable.encode(medium) },
    { "without Buffer": 2.2 },
  );
  await compare(
    "decode without Buffer",
    { "with Buffer": () => codec.decode(blob), "without Buffer": () => portable.decode(blob) },
    { "without Buffer": 2.2 },
  );
}
