import { encodeAvroValue } from "../../payload/codec.js";
import { bytesToBase64 } from "../../payload/platform/portable.js";
import { HEADER } from "../../payload/wire-format.js";
import { framed, task, variants } from "./request.js";
import type { ConformanceCase, ExpectedFailure } from "./types.js";

const utf8 = new TextEncoder();
const [lastOfHeader = 0] = HEADER.slice(-1);

const UNDECODABLE = {
  outcome: "failure",
  kind: "decode_failure",
  classification: "decode_failure",
  retryable: false,
} as const satisfies ExpectedFailure;

/** Payloads of codec `avro` that do not decode. */
const BROKEN = [
  { id: "undecodable/no-blob", payload: { codec: "avro" } },
  { id: "undecodable/null-blob", payload: { codec: "avro", blob: null } },
  { id: "undecodable/number-as-blob", payload: { codec: "avro", blob: 7 } },
  { id: "undecodable/empty-blob", blob: "" },
  { id: "undecodable/not-base64", blob: "*** not base64 ***" },
  { id: "undecodable/json-as-blob", blob: '["lamp-7",3]' },
  { id: "undecodable/json-in-base64", blob: bytesToBase64(utf8.encode('["lamp-7",3]')) },
  { id: "undecodable/url-alphabet", blob: framed(8, 6, 0xfb, 0xef, 0xbf).replaceAll("+", "-").replaceAll("/", "_") },
  { id: "undecodable/white-space-in-base64", blob: encodeAvroValue("seven").replace(/^(.{8})/, "$1\n") },
  { id: "undecodable/no-padding", blob: encodeAvroValue("a").replace("==", "") },
  { id: "undecodable/without-frame", blob: bytesToBase64(Uint8Array.of(10, 2, 97)) },
  { id: "undecodable/old-frame", blob: bytesToBase64(Uint8Array.of(0, 10, 2, 97)) },
  { id: "undecodable/half-a-frame", blob: bytesToBase64(HEADER.slice(0, 5)) },
  { id: "undecodable/another-schema", blob: bytesToBase64(Uint8Array.of(...HEADER.slice(0, -1), lastOfHeader ^ 1, 0)) },
  { id: "undecodable/frame-without-value", blob: framed() },
  { id: "undecodable/unknown-branch", blob: framed(16) },
  { id: "undecodable/negative-branch", blob: framed(1) },
  { id: "undecodable/neither-true-nor-false", blob: framed(2, 2) },
  { id: "undecodable/double-cut-off", blob: framed(6, 0, 0, 0) },
  { id: "undecodable/infinite-double", blob: framed(6, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f) },
  { id: "undecodable/long-beyond-64-bits", blob: framed(4, ...Array.from({ length: 9 }, () => 0xff), 0x7f) },
  { id: "undecodable/text-cut-off", blob: framed(10, 20, 97) },
  { id: "undecodable/text-of-negative-length", blob: framed(10, 1, 97) },
  { id: "undecodable/text-not-utf8", blob: framed(10, 4, 0xc3, 0x28) },
  { id: "undecodable/text-with-surrogate", blob: framed(10, 6, 0xed, 0xa0, 0x80) },
  { id: "undecodable/list-cut-off", blob: framed(12, 4, 0) },
  { id: "undecodable/list-without-end", blob: framed(12, 2, 0) },
  { id: "undecodable/map-key-not-utf8", blob: framed(14, 2, 2, 0xff, 0, 0) },
  { id: "undecodable/bytes-after-value", blob: framed(0, 0) },
];

/** Payloads that ask for far more than they are: a careless reader runs out of memory, or of stack. */
const HOSTILE = [
  {
    id: "undecodable/list-of-billions",
    requirement: "required",
    blob: framed(12, 0x80, 0x80, 0x80, 0x80, 0x10, 0),
  },
  { id: "undecodable/nested-without-end", requirement: "recommended", blob: deeplyNested(100_000) },
] as const;

const UNSUPPORTED_CODECS = [
  { id: "codec/json", payload: { codec: "json", blob: "[1]" } },
  { id: "codec/upper-case", payload: { codec: "AVRO", blob: encodeAvroValue([1]) } },
  { id: "codec/empty", payload: { codec: "", blob: encodeAvroValue([1]) } },
  { id: "codec/none", payload: { blob: encodeAvroValue([1]) } },
  { id: "codec/null", payload: { codec: null, blob: encodeAvroValue([1]) } },
  { id: "codec/number", payload: { codec: 7, blob: encodeAvroValue([1]) } },
  { id: "codec/empty-payload", payload: {} },
];

/** A reference as a server writes it, to a place that no driver knows. */
const REFERENCE = {
  schema: "durable-workflow.v2.external-payload-reference.v1",
  uri: "conformance-nowhere://bucket/avro/00/0000",
  sha256: "0".repeat(64),
  size_bytes: 12,
  codec: "avro",
};

export const payloadCases: readonly ConformanceCase[] = [
  ...variants(BROKEN, (row) => ({
    requirement: "required",
    contract: "Arguments of codec avro that do not decode are a decode failure, which running again will not mend.",
    request: task("conformance.echo", undefined, { payload: row.payload ?? { codec: "avro", blob: row.blob } }),
    expect: UNDECODABLE,
  })),
  {
    id: "undecodable/trailing-bits",
    requirement: "recommended",
    contract: "Base64 is read strictly: the bits that its last character has to spare are 0.",
    request: task("conformance.echo", undefined, {
      payload: { codec: "avro", blob: encodeAvroValue("a").replace("Q==", "R==") },
    }),
    expect: UNDECODABLE,
  },
  ...variants(HOSTILE, ({ requirement, blob }) => ({
    requirement,
    contract: "Arguments that do not decode are a decode failure, and cost no more than their own length.",
    request: task("conformance.echo", undefined, { payload: { codec: "avro", blob } }),
    expect: UNDECODABLE,
    hostile: true,
  })),
  ...variants(UNSUPPORTED_CODECS, ({ payload }) => ({
    requirement: "required",
    contract: "Arguments of another codec, or of none, are an unsupported payload.",
    request: task("conformance.echo", undefined, { payload }),
    expect: {
      outcome: "failure",
      kind: "unsupported_payload",
      classification: "unsupported_payload_codec",
      type: "UnsupportedPayloadCodec",
      retryable: false,
    },
  })),
  {
    id: "reference/no-driver",
    requirement: "required",
    contract: "Arguments in external storage that the carrier has no driver for are an unsupported payload.",
    request: task("conformance.echo", undefined, { payload: { codec: "avro", external_storage: REFERENCE } }),
    expect: {
      outcome: "failure",
      kind: "unsupported_payload",
      classification: "unsupported_payload_reference",
      type: "UnsupportedPayloadReference",
      retryable: false,
    },
  },
];

/** Lists of one list each, which a reader that recurses without a limit does not survive. */
function deeplyNested(levels: number): string {
  const bytes = new Uint8Array(HEADER.length + 2 * levels).fill(2);
  bytes.set(HEADER);
  for (let index = HEADER.length; index < bytes.length; index += 2) bytes[index] = 12;
  return bytesToBase64(bytes);
}
