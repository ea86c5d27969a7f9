import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fingerprintDifference, fingerprintOf } from "./fingerprint.js";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("the fingerprint", () => {
  it("is the activity type and the hash of the blob's text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme" }), fc.string(), async (type, blob) => {
        expect(await fingerprintOf(type, { codec: "avro", blob })).toBe(`${type} avro:${sha256(blob)}`);
      }),
      { numRuns: 50 },
    );
  });

  it("is the same for a payload in external storage", async () => {
    const blob = "wwHioz3/VYAiNwwECgxsYW1wLTcEBgA=";
    const inline = await fingerprintOf("lamps.dim", { codec: "avro", blob });
    for (const hex of [sha256(blob), sha256(blob).toUpperCase()]) {
      const stored = { codec: "avro", external_storage: { uri: "s3://bucket/key", sha256: hex, size_bytes: 32 } };
      expect(await fingerprintOf("lamps.dim", stored)).toBe(inline);
    }
  });

  it("tells everything apart that is not the same", async () => {
    const payloads = [
      null,
      {},
      { codec: "avro" },
      { codec: "avro", blob: "" },
      { codec: "avro", blob: "a" },
      { codec: "json", blob: "a" },
      { blob: "a" },
      { codec: "avro", external_storage: {} },
      { codec: "avro", external_storage: { sha256: "a" } },
      { codec: "avro", external_storage: { sha256: sha256("b") } },
      { codec: "avro", external_storage: { sha256: `${sha256("b")}\n` } },
    ];
    const types = ["dim", "dim ", "Dim"];
    const all = await Promise.all(types.flatMap((type) => payloads.map((payload) => fingerprintOf(type, payload))));
    expect(new Set(all).size).toBe(types.length * payloads.length);
  });
});

it.each([
  ["arguments", "lamps.dim avro:1", "lamps.dim avro:2"],
  ["arguments", "lamps.dim none", "lamps.dim avro:2"],
  ["arguments", "dim the lamp none", "dim the lamp avro:2"],
  ["activity type", "lamps.dim avro:1", "lamps.off avro:1"],
  ["activity type", "lamps.dim none", "lamps.dim  none"],
  ["arguments", "", "x"],
])("the difference is the %s", (difference, one, other) => {
  expect(fingerprintDifference(one, other)).toBe(difference);
});
