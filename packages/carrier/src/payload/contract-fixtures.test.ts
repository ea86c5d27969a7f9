import { deepStrictEqual } from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readVectors } from "../../test/support/avro-vectors.js";
import { CODECS, datumOf, HEADER, refusalOf } from "../../test/support/avro-wire.js";
import { avscRead } from "../../test/support/avsc.js";
import { type AvroValue, avroDouble } from "./value.js";

/** The published contract, in a folder beside the repository. */
const CONTRACT = new URL("../../../../../shared/contract/avro-value/", import.meta.url);

interface Golden {
  readonly fingerprint: string;
  readonly magic_hex: string;
  readonly cases: readonly {
    readonly name: string;
    readonly kind: string;
    readonly value?: boolean | number | string;
    readonly value_base64?: string;
    readonly wire_base64: string;
  }[];
  readonly alternate_map_orders: readonly { readonly name: string; readonly wire_base64: readonly string[] }[];
  readonly malformed_frames: readonly { readonly name: string; readonly error: string; readonly wire_base64: string }[];
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, CONTRACT), "utf8"));
}

/** The value of a golden case that states one. */
function statedValue({ kind, value, value_base64: base64 }: Golden["cases"][number]): AvroValue | undefined {
  if (kind === "null") return null;
  if (base64 !== undefined) return new Uint8Array(Buffer.from(base64, "base64"));
  if (value === undefined) return undefined;
  if (kind === "long") return BigInt(value);
  return kind === "double" ? avroDouble(Number(value)) : value;
}

/** The benchmark's notation: `{"$avro_bytes": base64}` stands for bytes. JSON has no 7.0: a ratio is a double. */
function readCorpus(key: string, value: unknown): unknown {
  if (key === "ratio") return avroDouble(Number(value));
  const bytes = typeof value === "object" && value !== null && "$avro_bytes" in value ? value.$avro_bytes : undefined;
  return typeof bytes === "string" ? Buffer.from(bytes, "base64") : value;
}

if (!existsSync(CONTRACT)) {
  it.skip("../shared/contract/avro-value is not here: its vectors are checked where it is", () => undefined);
} else {
  const golden = readJson("golden.json") as Golden;

  describe("the schema of ../shared/contract/avro-value", () => {
    it("is that of our own vectors", () => {
      expect(readVectors().schema).toEqual(readJson("durable_workflow.protocol.Value.v1.avsc"));
    });

    it("has the fingerprint that frames have", () => {
      expect(Buffer.from(HEADER).toString("hex")).toBe(golden.magic_hex + golden.fingerprint);
    });

    it("has golden cases, alternate orders and malformed frames", () => {
      expect(golden.cases).toHaveLength(16);
      expect(golden.alternate_map_orders).toHaveLength(1);
      expect(golden.malformed_frames).toHaveLength(18);
    });
  });

  describe.each(CODECS)("vectors of ../shared/contract/avro-value, with %s", (_, codec) => {
    it.each(golden.cases)("$name", (vector) => {
      const { wire_base64: blob } = vector;
      const value = codec.decode(blob, { lossless: true });
      deepStrictEqual(value, statedValue(vector) ?? avscRead(datumOf(blob)));
      expect(codec.encode(value)).toBe(blob);
    });

    it.each(golden.alternate_map_orders)("$name: each order is read, and kept", ({ wire_base64: blobs }) => {
      const [first, ...others] = blobs.map((blob) => codec.decode(blob, { lossless: true }));
      for (const other of others) deepStrictEqual(other, first);
      for (const blob of blobs) expect(codec.encode(codec.decode(blob, { lossless: true }))).toBe(blob);
    });

    it.each(golden.malformed_frames)("$name is refused: $error", ({ error, wire_base64: blob }) => {
      const refusal = refusalOf(() => codec.decode(blob));
      expect(refusal.code).toBe(error);
      expect(refusal.message.startsWith(`${error}: `)).toBe(true);
    });

    it("the benchmark's value takes 164 bytes", () => {
      const { value } = JSON.parse(readFileSync(new URL("benchmark-corpus.json", CONTRACT), "utf8"), readCorpus);
      const blob = codec.encode(value);
      expect(Buffer.from(blob, "base64")).toHaveLength(164);
      expect(codec.encode(codec.decode(blob, { lossless: true }))).toBe(blob);
    });
  });
}
