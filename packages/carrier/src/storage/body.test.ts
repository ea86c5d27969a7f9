import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { type BodyStream, readBody } from "./body.js";

const bytes = (...values: number[]) => Uint8Array.from(values);

/** How each kind of stream is made of chunks; `ended` tells whether it was told to stop. */
const KINDS: Record<string, (chunks: readonly Uint8Array[]) => { body: BodyStream; ended: () => boolean }> = {
  "a Node stream"(chunks) {
    const stream = Readable.from(chunks);
    return { body: stream, ended: () => stream.destroyed };
  },
  "an async generator"(chunks) {
    let ended = false;
    const body = (async function* () {
      try {
        yield* chunks;
      } finally {
        ended = true;
      }
    })();
    return { body, ended: () => ended };
  },
  "a web stream"(chunks) {
    let ended = false;
    const rest = [...chunks];
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const next = rest.shift();
        if (next === undefined) controller.close();
        else controller.enqueue(next);
      },
      cancel() {
        ended = true;
      },
    });
    return { body, ended: () => ended };
  },
  "a web stream that is not iterable"(chunks) {
    const { body, ended } = KINDS["a web stream"]!(chunks);
    return { body: { getReader: () => (body as ReadableStream<Uint8Array>).getReader() } as BodyStream, ended };
  },
};

describe.each(Object.entries(KINDS))("%s", (kind, make) => {
  it("is read whole", async () => {
    const { body } = make([bytes(1), bytes(2, 3), bytes(4)]);
    await expect(readBody(body, { expected: 4, announced: 4 })).resolves.toEqual(bytes(1, 2, 3, 4));
    await expect(readBody(make([]).body, { expected: 0 })).resolves.toEqual(bytes());
  });

  it("is not read when it announces another length", async () => {
    const { body, ended } = make([bytes(1), bytes(2)]);
    await expect(readBody(body, { expected: 1, announced: 2 })).rejects.toMatchObject({
      check: "size",
      expected: "1",
      received: "2",
    });
    // A generator that was not begun has nothing to end.
    if (kind !== "an async generator") expect(ended()).toBe(true);
  });

  it("is cut off where it turns out to be larger, and not read on", async () => {
    const { body, ended } = make(Array.from({ length: 1000 }, () => bytes(1, 1)));
    await expect(readBody(body, { expected: 5 })).rejects.toMatchObject({ check: "size", received: "more" });
    await expect.poll(ended).toBe(true);
  });

  it("is missed when it is smaller", async () => {
    const { body } = make([bytes(1, 2)]);
    await expect(readBody(body, { expected: 3 })).rejects.toMatchObject({ check: "size", received: "2" });
  });

  it("ends with the signal", async () => {
    const controller = new AbortController();
    const { body, ended } = make([bytes(1), bytes(2)]);
    controller.abort(new Error("deadline"));
    await expect(readBody(body, { expected: 2, signal: controller.signal })).rejects.toThrow("deadline");
    if (kind !== "an async generator") expect(ended()).toBe(true);
  });
});

it("a stream that stalls is ended by the signal, with whatever its client makes of that", async () => {
  const controller = new AbortController();
  const stream = new Readable({ read() {} });
  stream.push(bytes(1));
  const reading = readBody(stream, { expected: 2, signal: controller.signal });
  controller.abort(new Error("deadline"));
  await expect(reading).rejects.toThrow();
  expect(stream.destroyed).toBe(true);
});

it("a body that breaks is its client's error", async () => {
  const body = (async function* () {
    yield bytes(1);
    throw new Error("aborted");
  })();
  await expect(readBody(body, { expected: 2 })).rejects.toThrow("aborted");
});
