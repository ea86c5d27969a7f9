import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { defineActivity, InvocableActivityHandler } from "../src/index.js";
import { encodeAvroValue } from "../src/payload/index.js";
import { parseExternalTaskResult } from "../src/protocol/index.js";
import { activityTaskEnvelope } from "./support/envelopes.js";

/** Text of others is cut and passed on by one function, which makes it fit to be recorded: nothing goes around it. */
const src = fileURLToPath(new URL("../src/", import.meta.url));
const CUTS = /\.(?:slice|substring|substr)\(/g;

/** What cuts no text of others, by file: how often, and what it is. */
const OTHERS: Readonly<Record<string, readonly [times: number, what: string]>> = {
  "activity/causes.ts": [1, "a list of errors"],
  "activity/idempotency/fingerprint.ts": [1, "a fingerprint of this library's own"],
  "activity/idempotency/redis-store.ts": [2, "an answer of this library's own script"],
  "activity/thrown.ts": [1, "a list of keys"],
  "activity/definition/validation.ts": [3, "lists of issues and of keys"],
  "activity/run/trouble.ts": [1, "a list of activity types"],
  "payload/encoder.ts": [1, "a path of keys"],
  "payload/value.ts": [1, "the tag of a class, in an error of a developer's own making"],
  "protocol/recordable-name.ts": [1, "the one that cuts by bytes"],
  "protocol/recordable-text.ts": [1, "the one that cuts by units"],
  "protocol/sha256.ts": [1, "a list of numbers"],
  "protocol/timestamps.ts": [1, "digits"],
  "storage/keys.ts": [1, "a digest"],
  "storage/local.ts": [1, "a path"],
  "storage/object-storage.ts": [3, "a key, which must stay as it is"],
  "testing/conformance/auth.ts": [1, "a token that must be wrong"],
  "testing/conformance/payloads.ts": [3, "bytes"],
};

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));

it("only the one function cuts text of others", () => {
  const found = files.flatMap((file) => {
    const times = readFileSync(src + file, "utf8").match(CUTS)?.length ?? 0;
    return times === 0 ? [] : [[file, times]];
  });
  const allowed = Object.entries(OTHERS).map(([file, [times]]) => [file, times]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(allowed));
});

it("no list of foreign length is spread into a call", () => {
  const spread =
    /(?:Math\.(?:max|min)|fromCharCode|\.push|\.unshift|\.concat|\bactivity|\bcall)\([^)]*\.\.\.(?!args: )/;
  const found = files.filter((file) => spread.test(readFileSync(src + file, "utf8")));
  // At most nine errors, at most 10,000 arguments, a digest's 32 bytes.
  expect(found.toSorted()).toEqual([
    "activity/causes.ts",
    "activity/definition/define-activity.ts",
    "activity/definition/registry.ts",
    "storage/digest.ts",
  ]);
});

describe("arguments without number", () => {
  const carrier = new InvocableActivityHandler({
    plain: (...args: unknown[]) => args.length,
    defined: defineActivity({ run: (_context, ...args: unknown[]) => args.length }),
  });
  const run = async (handler: string, count: number) => {
    const blob = encodeAvroValue(Array.from({ length: count }, () => 0));
    const changes = { task: { handler }, payloads: { arguments: { codec: "avro", blob } } };
    return parseExternalTaskResult(await carrier.handle(activityTaskEnvelope(changes)));
  };

  it.each([["plain"], ["defined"]])("are refused for good: %s", async (handler) => {
    for (const count of [10_001, 130_000, 1_000_000]) {
      expect(await run(handler, count)).toMatchObject({
        kind: "failure",
        retryable: false,
        failure: { classification: "decode_failure", type: "TooManyArguments" },
      });
    }
    expect(await run(handler, 10_000)).toMatchObject({ kind: "success" });
  });
});

describe("what a handler throws is answered in words that every engine records", () => {
  it.each([
    ["U+0000", new Error("\0"), "\ufffd", "Error"],
    ["U+0000 in the name", Object.assign(new Error("m"), { name: "A\0B" }), "m", "A\ufffdB"],
    ["half a pair", new TypeError("x\ud83d"), "x\ufffd", "TypeError"],
    ["only what cannot be seen", new Error("\u200b \u0001"), "Error was thrown without a message.", "Error"],
    ["a name of 300 characters", Object.assign(new Error("m"), { name: "N".repeat(300) }), "m", "N".repeat(255)],
  ])("%s", async (_, error, message, type) => {
    const carrier = new InvocableActivityHandler({
      "lamps.dim": () => {
        throw error;
      },
    });
    const result = parseExternalTaskResult(await carrier.handle(activityTaskEnvelope()));
    if (result.kind !== "failure") throw new Error(result.kind);
    expect(result.failure).toMatchObject({ message, type });
    expect(result.failure.stackTrace).not.toMatch(/[\0\p{Surrogate}]/u);
  });
});
