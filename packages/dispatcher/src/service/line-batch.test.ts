import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { flushLines, LineBatch } from "./line-batch.js";

/** What was written so far, one text for each write. */
function batchOf(): { readonly batch: LineBatch; readonly writes: string[] } {
  const writes: string[] = [];
  return { batch: new LineBatch((text) => writes.push(text)), writes };
}

describe("LineBatch", () => {
  it("writes the lines of one turn together, and those that follow within 5 ms, in their order", async () => {
    const { batch, writes } = batchOf();
    batch.write("1\n");
    batch.write("2\n");
    expect(writes).toEqual([]);
    await nextTurn();
    expect(writes).toEqual(["1\n2\n"]);
    batch.write("3\n");
    await Promise.resolve();
    batch.write("4\n");
    await pause(50);
    expect(writes).toEqual(["1\n2\n", "3\n4\n"]);
    // After quiet it does not wait.
    batch.write("5\n");
    await nextTurn();
    expect(writes.at(-1)).toBe("5\n");
  });

  it("does not keep more than 64 KiB", () => {
    const { batch, writes } = batchOf();
    const line = `${"x".repeat(1_023)}\n`;
    for (let count = 0; count < 64; count++) batch.write(line);
    expect(writes).toEqual([line.repeat(64)]);
  });

  it("writes when it is told to, once", async () => {
    const { batch, writes } = batchOf();
    batch.write("1\n");
    batch.flushSync();
    batch.flushSync();
    expect(writes).toEqual(["1\n"]);
    batch.write("2\n");
    flushLines();
    flushLines();
    await pause(20);
    expect(writes).toEqual(["1\n", "2\n"]);
  });

  it("calls whoever asks for it back once what waits is written, or could not be", async () => {
    const { batch, writes } = batchOf();
    batch.write("1\n");
    const seen = await new Promise((resolve) => batch.flush((error) => resolve([error, ...writes])));
    expect(seen).toEqual([undefined, "1\n"]);
    batch.flush();
    const failing = new LineBatch(() => {
      throw new Error("no room");
    });
    failing.write("no\n");
    let isBack = false;
    const failure = new Promise((resolve) =>
      failing.flush((error) => {
        expect(isBack).toBe(true);
        resolve(error);
      }),
    );
    isBack = true;
    expect(await failure).toMatchObject({ message: "no room" });
  });

  it("goes on after a write that failed, and lets no other pay for it", async () => {
    const writes: string[] = [];
    const failing = new LineBatch((text) => {
      if (text.startsWith("no")) throw new Error("no room");
      writes.push(text);
    });
    const { batch, writes: others } = batchOf();
    failing.write("no\n");
    await nextTurn();
    failing.write("yes\n");
    failing.flushSync();
    failing.write("no\n");
    batch.write("1\n");
    flushLines();
    expect([writes, others]).toEqual([["yes\n"], ["1\n"]]);
    failing.write("no\n");
    expect(() => failing.flushSync()).toThrow("no room");
  });
});
