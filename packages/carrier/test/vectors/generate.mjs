// Writes avro-value.json: values of our own choosing, each with its payload as avsc, an independent implementation of
// Avro, writes it. Run it with node, then `npm run fix`. With --print it writes to the standard output instead.
//
// A value is a list of its kind and its content:
//   ["null"]  ["boolean", true]  ["long", "-7"]  ["double", "7.0"]  ["bytes", base64]  ["string", text]
//   ["array", [value, ...]]  ["map", [[key, value], ...]]
// A third item repeats the content of a string or bytes so many times.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import avsc from "avsc";

// The schema, as the contract describes it

const branch = (name, field, type) => ({ type: "record", name, fields: [{ name: field, type }] });

const schema = {
  type: "record",
  name: "Value",
  namespace: "durable_workflow.protocol",
  fields: [
    {
      name: "value",
      type: [
        "null",
        branch("BooleanValue", "boolean", "boolean"),
        branch("LongValue", "long", "long"),
        branch("DoubleValue", "double", "double"),
        branch("BytesValue", "bytes", "bytes"),
        branch("StringValue", "string", "string"),
        branch("ArrayValue", "items", { type: "array", items: "Value" }),
        branch("MapValue", "entries", { type: "map", values: "Value" }),
      ],
    },
  ],
};

// The frame: C3 01 and the fingerprint

const PRIMITIVES = new Set(["null", "boolean", "int", "long", "float", "double", "bytes", "string"]);

/** Parsing Canonical Form, of the kinds of schemas above. */
function canonicalForm(node, namespace) {
  if (typeof node === "string") {
    return JSON.stringify(PRIMITIVES.has(node) || node.includes(".") ? node : `${namespace}.${node}`);
  }
  if (Array.isArray(node)) return `[${node.map((item) => canonicalForm(item, namespace)).join(",")}]`;
  if (node.type === "array") return `{"type":"array","items":${canonicalForm(node.items, namespace)}}`;
  if (node.type === "map") return `{"type":"map","values":${canonicalForm(node.values, namespace)}}`;
  const space = node.namespace ?? namespace;
  const fields = node.fields.map(
    ({ name, type }) => `{"name":${JSON.stringify(name)},"type":${canonicalForm(type, space)}}`,
  );
  return `{"name":${JSON.stringify(`${space}.${node.name}`)},"type":"record","fields":[${fields.join(",")}]}`;
}

/** CRC-64-AVRO, little-endian. */
function fingerprint(text) {
  const empty = 0xc15d213aa4d7a795n;
  let hash = empty;
  for (const byte of Buffer.from(text, "utf8")) {
    hash ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) hash = (hash >> 1n) ^ (empty & -(hash & 1n));
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(hash);
  return bytes;
}

const hash = fingerprint(canonicalForm(schema));
assert.equal(hash.toString("hex"), "e2a33dff55802237");

// The writer

// avsc's own hook for longs beyond the safe integers.
// oxlint-disable-next-line no-underscore-dangle
const long = avsc.types.LongType.__with({
  fromBuffer: (buffer) => buffer.readBigInt64LE(),
  toBuffer: (value) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value) => typeof value === "bigint",
  compare: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
});
const type = avsc.Type.forSchema(schema, { registry: { long }, wrapUnions: true });

const record = (name, field, inner) => ({ value: { [`durable_workflow.protocol.${name}`]: { [field]: inner } } });

function wrap([kind, content, times = 1]) {
  switch (kind) {
    case "null":
      return { value: null };
    case "boolean":
      return record("BooleanValue", "boolean", content);
    case "long":
      return record("LongValue", "long", BigInt(content));
    case "double":
      return record("DoubleValue", "double", Number(content));
    case "bytes":
      return record("BytesValue", "bytes", Buffer.concat(Array(times).fill(Buffer.from(content, "base64"))));
    case "string":
      return record("StringValue", "string", content.repeat(times));
    case "array":
      return record("ArrayValue", "items", content.map(wrap));
    case "map":
      return record("MapValue", "entries", Object.fromEntries(content.map(([key, value]) => [key, wrap(value)])));
    default:
      throw new Error(`no kind: ${kind}`);
  }
}

function encode(value) {
  return Buffer.concat([Buffer.from([0xc3, 0x01]), hash, type.toBuffer(wrap(value))]).toString("base64");
}

// The values

const count = (length, make) => Array.from({ length }, (_, index) => make(index));
const longs = (length) => ["array", count(length, (index) => ["long", String(index)])];
const entries = (length) => ["map", count(length, (index) => [`key ${index}`, ["null"]])];
const nested = (depth, inner, wrapped) => count(depth, String).reduce(wrapped, inner);

/** Where zigzag varints take one byte more, and where numbers change their kind in JavaScript. */
const INTEGERS = [
  0n,
  -1n,
  1n,
  7n,
  ...[6n, 13n, 20n, 27n, 31n, 34n, 41n, 48n, 53n, 55n, 62n].flatMap((bits) => [
    2n ** bits - 1n,
    2n ** bits,
    -(2n ** bits) + 1n,
    -(2n ** bits),
    -(2n ** bits) - 1n,
  ]),
  2n ** 63n - 1n,
  -(2n ** 63n),
];

const DOUBLES = [
  "0.0",
  "-0",
  "7.0",
  "-7.0",
  "0.1",
  "-2.5",
  "5e-324",
  "-5e-324",
  "2.2250738585072009e-308",
  "2.2250738585072014e-308",
  "2.220446049250313e-16",
  "9007199254740992",
  "9223372036854775808",
  "1e21",
  "1.7976931348623157e308",
  "-1.7976931348623157e308",
];

const TEXTS = {
  "two-byte characters": "Grüße",
  "three-byte characters": "日本語",
  "four-byte characters": "🛰️ 𝒳 𐀀 \u{10ffff}",
  "a byte order mark first": "\ufeffmarked",
  "a byte order mark only": "\ufeff",
  "the replacement character": "a\ufffdb",
  NUL: "\0",
  "NUL inside": "a\0b",
  "line breaks and quotes": 'a\r\n\t"b"\\',
  "the borders of each UTF-8 length": "\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\u{10000}",
  "what looks like JSON": '{"a":[1,null]}',
  "a composed and a decomposed letter": "\u00e9 e\u0301",
};

/** Where the codec changes its way of reading or writing, and where a length takes one byte more. */
const LENGTHS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 31, 32, 33, 40, 41, 63, 64, 65, 8191, 8192];

const KEYS = [
  "",
  " ",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "length",
  "$type",
  "Schlüssel",
  "🔑",
  "\0",
  "\ufeff",
];

const values = [
  ["null", ["null"]],
  ["false", ["boolean", false]],
  ["true", ["boolean", true]],
  ...INTEGERS.map((value) => [`long ${value}`, ["long", String(value)]]),
  ...DOUBLES.map((value) => [`double ${value}`, ["double", value]]),
  ...[0, 1, 2, 3, 63, 64, 65].map((length) => [`bytes of length ${length}`, ["bytes", "/w==", length]]),
  ["every byte", ["bytes", Buffer.from(count(256, Number)).toString("base64")]],
  ...LENGTHS.map((length) => [`text of length ${length}`, ["string", "a", length]]),
  // In each pair the characters are fewer than the bytes, and the length of the bytes takes more room.
  ["text of 33 characters and 66 bytes", ["string", "é", 33]],
  ["text of 63 characters and 189 bytes", ["string", "語", 63]],
  ["text of 40 characters and 63 bytes", ["string", `${"é".repeat(23)}${"a".repeat(17)}`]],
  ["text of 40 characters and 64 bytes", ["string", `${"é".repeat(24)}${"a".repeat(16)}`]],
  ["text of 4096 characters and 8192 bytes", ["string", "é", 4096]],
  ...Object.entries(TEXTS).map(([name, text]) => [`text with ${name}`, ["string", text]]),
  ["empty array", ["array", []]],
  ["array of one", ["array", [["null"]]]],
  ["array of each kind", ["array", [["null"], ["boolean", true], ["long", "7"], ["double", "7.0"], ["bytes", "AP8="]]]],
  [
    "array of text and bytes of the same content",
    [
      "array",
      [
        ["string", "abc"],
        ["bytes", "YWJj"],
      ],
    ],
  ],
  [
    "array of empty ones",
    [
      "array",
      [
        ["array", []],
        ["map", []],
        ["string", ""],
        ["bytes", ""],
      ],
    ],
  ],
  ...[63, 64, 200].map((length) => [`array of ${length}`, longs(length)]),
  ["empty map", ["map", []]],
  ...KEYS.map((key) => [`map with the key ${JSON.stringify(key)}`, ["map", [[key, ["string", key]]]]]),
  ["map with all those keys", ["map", KEYS.map((key, index) => [key, ["long", String(index)]])]],
  [
    "map with list-like keys",
    [
      "map",
      [
        ["0", ["null"]],
        ["1", ["null"]],
        ["10", ["null"]],
      ],
    ],
  ],
  [
    "map with number-like keys",
    [
      "map",
      [
        ["-1", ["null"]],
        ["1.5", ["null"]],
        ["1e3", ["null"]],
        ["007", ["null"]],
      ],
    ],
  ],
  ["map with keys around the cached lengths", ["map", [31, 32, 33, 41, 64].map((n) => ["k".repeat(n), ["null"]])]],
  [
    "map with keys that differ in their middle",
    [
      "map",
      [
        ["abcde", ["null"]],
        ["axcye", ["null"]],
      ],
    ],
  ],
  ...[63, 64, 200].map((length) => [`map of ${length}`, entries(length)]),
  ["nested arrays", nested(20, ["null"], (inner) => ["array", [inner]])],
  ["nested maps", nested(20, ["null"], (inner) => ["map", [["in", inner]]])],
  [
    "nested block counts of two bytes",
    [
      "map",
      [
        ["wide", entries(64)],
        ["list", longs(64)],
        ["after", ["long", "1"]],
      ],
    ],
  ],
  [
    "an order",
    [
      "map",
      [
        ["id", ["long", "9007199254740993"]],
        [
          "customer",
          [
            "map",
            [
              ["name", ["string", "Zoë"]],
              ["vip", ["boolean", false]],
              ["notes", ["null"]],
            ],
          ],
        ],
        [
          "lines",
          [
            "array",
            [
              [
                "map",
                [
                  ["sku", ["string", "B-4"]],
                  ["price", ["double", "12.0"]],
                ],
              ],
              ["map", []],
            ],
          ],
        ],
        ["label", ["bytes", "iVBORw0KGgo="]],
      ],
    ],
  ],
];

const names = values.map(([name]) => name);
assert.equal(new Set(names).size, names.length, "names are unique");

const document = {
  description: "Payloads as avsc writes them; made by generate.mjs, which describes the notation of the values.",
  schema,
  vectors: values.map(([name, value]) => ({ name, value, blob: encode(value) })),
};
const text = `${JSON.stringify(document, null, 2)}\n`;
if (process.argv.includes("--print")) process.stdout.write(text);
else writeFileSync(new URL("avro-value.json", import.meta.url), text);
