import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import type { ActivityRow } from "../api/index.js";
import type { Source, Watcher } from "../engine/source.js";
import { Hub } from "./hub.js";

/** A response that takes what it is given, or nothing. */
class FakeResponse extends EventEmitter {
  written = "";
  writableLength = 0;
  isDestroyed = false;
  private readonly takes: boolean;

  constructor(takes: boolean) {
    super();
    this.takes = takes;
  }

  writeHead(): this {
    return this;
  }

  flushHeaders(): void {}

  write(text: string): void {
    if (this.takes) this.written += text;
    else this.writableLength += text.length;
  }

  destroy(): void {
    this.isDestroyed = true;
    this.emit("close");
  }

  end(): void {
    this.emit("close");
  }
}

let hub: Hub | undefined;
afterEach(() => hub?.close());

function hubOf(rows: (count: number) => readonly ActivityRow[]): {
  readonly hub: Hub;
  readonly tell: (count: number) => void;
} {
  let watcher: Watcher | undefined;
  const source = {
    now: async () => Promise.resolve("2026-04-22T01:10:00.000000Z"),
    rows: async (names: readonly unknown[]) => Promise.resolve(rows(names.length)),
    watch: async (given: Watcher) => {
      watcher = given;
      return Promise.resolve(true);
    },
  } as unknown as Source;
  const made = new Hub({
    source: async () => Promise.resolve(source),
    overview: () => Promise.reject(new Error("none")),
  });
  hub = made;
  let at = 0;
  return {
    hub: made,
    tell(count) {
      watcher?.onActivities(Array.from({ length: count }, () => ({ id: `a-${at++}`, runId: "r" })));
    },
  };
}

const row = { id: "x", note: "y".repeat(10_000) } as unknown as ActivityRow;

it("lets a reader go that takes nothing, and goes on for the others", async () => {
  const { hub: one, tell } = hubOf((count) => Array.from({ length: count }, () => row));
  const slow = new FakeResponse(false);
  const lively = new FakeResponse(true);
  for (const response of [slow, lively]) {
    one.join(response as unknown as ServerResponse, { after: undefined, wantsOverview: false });
  }
  await sleep(20);
  for (let round = 0; round < 4; round++) {
    tell(200);
    await sleep(300);
  }
  expect(slow.isDestroyed).toBe(true);
  expect(slow.writableLength).toBeLessThan(4_000_000);
  expect(one.size).toBe(1);
  expect(lively.written.match(/event: rows/g)?.length).toBeGreaterThanOrEqual(3);
});

it("says that too much happened, in place of keeping all of it", async () => {
  const { hub: one, tell } = hubOf(() => []);
  const reader = new FakeResponse(true);
  one.join(reader as unknown as ServerResponse, { after: undefined, wantsOverview: false });
  await sleep(20);
  tell(2_001);
  expect(reader.written).toContain('"reason":"too_much"');
});
