import { describe, expect, it } from "vitest";
import {
  blobPayloadOf,
  bodyAround,
  LARGE_BLOB_BYTES,
  type LeanText,
  parseLean,
  releaseBlob,
  withoutLargeBlobs,
} from "./blob-bytes.js";
import { LentMemory } from "./lent-memory.js";

const large = Buffer.from("QUJD".repeat(LARGE_BLOB_BYTES / 4 + 10));

/** What a reader of the lean text sees, with the blobs put back. */
function read(text: string): unknown {
  return parseLean(withoutLargeBlobs(Buffer.from(text)) as LeanText);
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
    ["a blob twice under one name", `{"blob":"${large.toString()}","blob":"${large.toString("latin1", 4)}"}`],
    ["a small one after it", `{"blob":"${large.toString()}","blob":"QUJD"}`],
    ["a blob in a list in the place of the document", `[[1,null,{"a":[{"blob":"${large.toString()}"}]}]]`],
    ["a blob of a name that all objects have", `{"__proto__":{"blob":"${large.toString()}"},"b":2}`],
    ["a small blob", `{"blob":"QUJD","pad":"${" ".repeat(LARGE_BLOB_BYTES)}"}`],
  ])("is the same document as before: %s", (_, text) => {
    expect(read(text)).toEqual(JSON.parse(text));
  });

  it("of an envelope is had as bytes, and becomes a string only for whoever asks for it", () => {
    const text = JSON.stringify({ tasks: [{ arguments: { codec: "avro", blob: large.toString() }, id: "1" }] });
    const { tasks } = read(text) as { readonly tasks: readonly { readonly arguments: Record<string, unknown> }[] };
    const envelope = tasks[0]?.arguments ?? {};
    expect(Object.keys(envelope)).toEqual(["codec", "blob"]);
    const payload = blobPayloadOf(envelope);
    expect(payload).toEqual({ codec: "avro", bytes: large });
    expect(Object.getOwnPropertyDescriptor(envelope, "blob")?.value).toBeUndefined();
    expect(JSON.stringify({ tasks })).toBe(text);
    expect({ ...envelope }).toEqual({ codec: "avro", blob: large.toString() });
    // Once asked for, it is made once, and the bytes are still there.
    expect(Object.getOwnPropertyDescriptor(envelope, "blob")?.value).toBe(large.toString());
    expect(blobPayloadOf(envelope)).toEqual(payload);
  });

  it.each([null, {}, { codec: "avro", blob: large.toString() }, { codec: 7, blob: "" }])(
    "is not had of what was not read as such: %o",
    (envelope) => {
      expect(blobPayloadOf(envelope)).toBeUndefined();
    },
  );

  it("lies in memory that is lent until the envelope is released, and all others of its answer", () => {
    const memory = new LentMemory();
    const one = { codec: "avro", blob: large.toString() };
    const text = JSON.stringify({ tasks: [{ arguments: one }, { arguments: one }], blob: large.toString() });
    const lent = memory.lend(Buffer.byteLength(text));
    lent.bytes.write(text);
    const { tasks } = parseLean(withoutLargeBlobs(lent.bytes, lent) as LeanText) as {
      readonly tasks: readonly { readonly arguments: Record<string, unknown> }[];
    };
    const [first, second] = tasks.map((task) => task.arguments) as [Record<string, unknown>, Record<string, unknown>];
    // Whoever has read the answer is done with it.
    lent.release();
    expect(first["blob"]).toBe(one.blob);
    releaseBlob(first);
    releaseBlob(first);
    expect(memory.lend(text.length).bytes.buffer).not.toBe(lent.bytes.buffer);
    expect(blobPayloadOf(second)).toEqual({ codec: "avro", bytes: large });
    releaseBlob(second);
    const again = memory.lend(text.length).bytes.fill(0);
    // Whoever has asked for the text before keeps it; nobody else is given what lies there now.
    expect(first["blob"]).toBe(one.blob);
    expect(() => second["blob"]).toThrow("released");
    expect([first, second].map(blobPayloadOf)).toEqual([undefined, undefined]);
    expect(again.length).toBe(text.length);
    releaseBlob({ codec: "avro", blob: "" });
    releaseBlob(null);
  });

  it("of an envelope that holds more is no payload alone", () => {
    const envelope = read(`{"codec":"avro","blob":"${large.toString()}","more":1}`) as object;
    expect(blobPayloadOf(envelope)).toBeUndefined();
    expect(envelope).toEqual({ codec: "avro", blob: large.toString(), more: 1 });
  });

  it("of an envelope without a codec is no payload", () => {
    expect(blobPayloadOf(read(`{"codec":7,"blob":"${large.toString()}"}`) as object)).toBeUndefined();
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
