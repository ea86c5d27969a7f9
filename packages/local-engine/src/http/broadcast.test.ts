import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { Broadcast } from "./broadcast.js";

class Reader {
  writableLength = 0;
  bytes = 0;
  isGone = false;

  write(bytes: Buffer): void {
    this.bytes += bytes.length;
  }

  destroy(): void {
    this.isGone = true;
  }
}

function broadcastTo(count: number): {
  readonly send: (bytes: number) => void;
  readonly readers: readonly Reader[];
  readonly letGo: readonly number[];
  readonly pass: (ms: number) => void;
} {
  let now = 0;
  const letGo: number[] = [];
  const broadcast = new Broadcast({ onLetGo: (readers) => letGo.push(readers), nowMs: () => now });
  const readers = Array.from({ length: count }, () => new Reader());
  for (const reader of readers) broadcast.add(reader as unknown as ServerResponse);
  return {
    send: (bytes) => {
      broadcast.send("e".repeat(bytes));
      broadcast.flush();
    },
    readers,
    letGo,
    pass: (ms) => {
      now += ms;
    },
  };
}

describe("a storm of events for many readers", () => {
  it("lets go of as many as all of it cannot be copied for, first those that are behind, then the newest", () => {
    const { send, readers, letGo } = broadcastTo(600);
    const [first, second] = readers;
    if (first !== undefined) first.writableLength = 1;
    for (let sent = 0; sent < 10; sent++) send(100_000);
    expect(first?.isGone).toBe(true);
    expect(second).toMatchObject({ isGone: false, bytes: 1_000_000 });
    const kept = readers.filter(({ isGone }) => !isGone);
    expect(kept).toEqual(readers.slice(1, 1 + kept.length));
    expect(letGo.reduce((sum, count) => sum + count, 0)).toBe(600 - kept.length);
    // What is copied stays bounded, whatever is sent: 50 MB, and twenty readers in any case.
    expect(kept).toHaveLength(20);
    expect(readers.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(50_000_000 + 20 * 1_000_000);
  });

  it("loses nobody where it lasts no longer than two seconds' worth, again and again", () => {
    const { send, readers, letGo, pass } = broadcastTo(600);
    for (let storm = 0; storm < 5; storm++) {
      send(80_000);
      pass(2000);
    }
    expect(letGo).toEqual([]);
    expect(readers.every(({ bytes }) => bytes === 400_000)).toBe(true);
  });

  it("keeps twenty readers however long it lasts", () => {
    const { send, readers, letGo } = broadcastTo(20);
    for (let sent = 0; sent < 100; sent++) send(200_000);
    expect(letGo).toEqual([]);
    expect(readers.every(({ bytes }) => bytes === 20_000_000)).toBe(true);
  });
});
