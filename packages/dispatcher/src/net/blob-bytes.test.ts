import { describe, expect, it } from "vitest";
import { bodyAround, LARGE_BLOB_BYTES, withoutLargeBlobs } from "./blob-bytes.js";

const large = Buffer.from("QUJD".repeat(LARGE_BLOB_BYTES / 4 + 10));

/** What a reader of the lean text sees, with the blobs put back. */
function read(text: string): unknown {
  const lean = withoutLargeBlobs(Buffer.from(text));
  return JSON.parse(lean?.text ?? "", (_, value: unknown) =>
    typeof value === "string" && lean?.blobs.has(value) === true ? String(lean.blobs.get(value)) : value,
  );
}

describe("a blob as bytes", () => {
  it("goes into a document without a copy, and comes out of it as it was", () => {
    const { chunks, bytes } = bodyAround(large, (blob) => ({
      before: "\u00e9",
      arguments: { codec: "avro", blob },
      after: 1,
    }));
    expect(chunks[1]).toBe(large);
    const whole = Buffer.concat(chunks);
    expect(whole.length).toBe(bytes);
    expect(JSON.parse(whole.toString())).toEqual({
      before: "\u00e9",
      arguments: { codec: "avro", blob: large.toString() },
      after: 1,
    });
    const lean = withoutLargeBlobs(whole);
    expect([...(lean?.blobs.values() ?? [])]).toEqual([large]);
    // A view of what was read, not a copy of it.
    expect(lean?.blobs.values().next().value?.buffer).toBe(whole.buffer);
    expect(lean?.text.length).toBeLessThan(200);
  });

  it.each([
    ["two blobs and spaces", `{ "blob" : "${large.toString()}" , "x": {"blob":\n"${large.toString()}"}}`],
    ["a blob that ends in an escaped quote", `{"blob":"${large.toString()}\\"","b":1}`],
    ["a key that ends as the key does", `{"a\\"blob":"${large.toString()}"}`],
    ["the key inside a text", `{"text":"\\"blob\\":\\"${large.toString()}\\""}`],
    ["a blob that is a number", `{"blob":1,"other":"${large.toString()}"}`],
    ["an escape in the blob", `{"blob":"${large.toString()}\\u0041"}`],
    ["a small blob", `{"blob":"QUJD","pad":"${" ".repeat(LARGE_BLOB_BYTES)}"}`],
  ])("is the same document as before: %s", (_, text) => {
    expect(read(text)).toEqual(JSON.parse(text));
  });

  it("is refused where the text around it is no UTF-8", () => {
    const broken = Buffer.concat([
      Buffer.from(`{"blob":"${large.toString()}","a":"`),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    expect(withoutLargeBlobs(broken)).toBeUndefined();
    expect(withoutLargeBlobs(Buffer.from([0xff]))).toBeUndefined();
  });
});
