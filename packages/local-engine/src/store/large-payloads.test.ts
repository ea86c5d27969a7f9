import { join } from "node:path";
import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { ONE_ATTEMPT, PLAIN_START } from "@durable-workflow/test-support/store-records";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/engine.js";
import { start } from "../engine/transitions.js";
import { LongPayload } from "../long-payload.js";
import { LargeInputs } from "./large-inputs.js";
import { bytesOfText, LONGEST_TEXT } from "./large-payloads.js";
import type { Payload } from "./payloads.js";
import type { RunRecord } from "./records.js";
import { Store } from "./store.js";

const LONG = "QUJD".repeat(LONGEST_TEXT / 4);
const NOW = 1_800_000_000_000_000;

describe("the bytes of a long payload", () => {
  it("give back its text, whatever they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (end) => {
        const text = Buffer.concat([Buffer.alloc(LONGEST_TEXT, 7), end]).toString("base64");
        const bytes = bytesOfText(text);
        expect(bytes?.length).toBe(LONGEST_TEXT + end.length);
        expect(new LongPayload(bytes ?? end).text() === text).toBe(true);
      }),
    );
  });

  it.each([
    ["short", "QUJD"],
    ["as long as text may be", LONG],
    ["no multiple of four", `${LONG}QUJ`],
    ["of the alphabet of URLs", `${LONG}QU-_`],
    ["with bits after its last byte", `${LONG}QUI=`.replace("QUI=", "QUJ=")],
    ["with bits after its last byte, of one", `${LONG}QR==`],
    ["with padding within", `${LONG}QQ==QUJD`],
    ["with white space", `${LONG}QU D`],
    ["with a line end", `${LONG}QUJ\n`],
    ["with a character of Latin-1", `${LONG}QUJ\u00e9`],
    ["with a character whose low byte is a letter", `${LONG}QUJ\u0141`],
    ["with half a character", `${LONG}QUJ\ud83d`],
    ["all padding", "=".repeat(LONGEST_TEXT + 4)],
  ])("are not made of text that is %s", (_, text) => {
    expect(bytesOfText(text)).toBeUndefined();
  });
});

function withStore(file: string, use: (store: Store) => void): void {
  const store = Store.open(file, { integrityCheck: "full", maxBatch: 100, now: () => NOW });
  try {
    use(store);
  } finally {
    store.close();
  }
}

function begin(store: Store, name: string, input: string): RunRecord {
  const state = start(ONE_ATTEMPT, `task-${name}`, NOW);
  const ids = { activityId: name, runNumber: 1, runId: `run-${name}`, executionId: `exec-${name}` };
  const { namespace, activityType, activityClass, taskQueue, businessKey } = PLAIN_START;
  return store.runs.insert({
    ...ids,
    commandId: `cmd-${name}`,
    namespace,
    activityType,
    activityClass,
    taskQueue,
    businessKey,
    state,
    input,
    fingerprint: "print",
  });
}

function textOf(payload: Payload | null): unknown {
  return payload instanceof LongPayload ? payload.text() : payload;
}

describe("long arguments and results", () => {
  const texts = [
    encodeAvroValue(["x".repeat(200_000)]),
    encodeAvroValue(["another", "y".repeat(100_001)]),
    `${LONG}no base64, but what an old worker sent`,
  ];

  it("are what they were, remembered or read, and in a file that is opened again", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const store = Store.open(file, { integrityCheck: "full", maxBatch: 100, now: () => NOW });
    const runs = await store.transact(() => texts.map((text, index) => begin(store, `a${index}`, text)));
    await store.transact(() => {
      for (const [index, { key }] of runs.entries()) {
        // The first time as it came, then from the file: the memory of one is used again for the next.
        for (let time = 0; time < 2; time++) {
          expect(textOf(store.runs.input(key).payload) === texts[index]).toBe(true);
          expect(store.runs.input(key).fingerprint).toBe("print");
        }
      }
      for (const [index, run] of runs.entries()) {
        const closed = { ...run.state, status: "completed", activityStatus: "completed", closedAt: NOW } as const;
        store.runs.complete(run, closed, texts[index] ?? "");
      }
    });
    store.close();
    withStore(file, (again) => {
      for (const [index, { key }] of runs.entries()) {
        expect(textOf(again.runs.input(key).payload) === texts[index]).toBe(true);
        expect(textOf(again.runs.outcome(key).result) === texts[index]).toBe(true);
        expect(again.inspection.input(key)).toMatchObject({ length: texts[index]?.length, blob: null });
        expect(again.inspection.result(key)).toMatchObject({ length: texts[index]?.length, blob: null });
      }
    });
  });
});

describe("large inputs that are remembered", () => {
  it("are given once, and are 32 Mi of characters at most", () => {
    const inputs = new LargeInputs<string>();
    inputs.set(1, "first", 20_000_000);
    inputs.set(2, "does not fit", 20_000_000);
    inputs.set(3, "fits", 10_000_000);
    expect(inputs.take(2)).toBeUndefined();
    expect(inputs.take(1)).toBe("first");
    expect(inputs.take(1)).toBeUndefined();
    expect(inputs.length).toBe(10_000_000);
    inputs.set(3, "again", 5_000_000);
    expect(inputs.length).toBe(5_000_000);
    inputs.delete(3);
    expect(inputs.take(3)).toBeUndefined();
    expect(inputs.length).toBe(0);
  });

  it("are as many as may be, and none once all is forgotten", () => {
    const inputs = new LargeInputs<string>(1);
    inputs.set(1, "first", 1);
    inputs.set(2, "second", 1);
    expect(inputs.take(2)).toBeUndefined();
    inputs.clear();
    expect(inputs.take(1)).toBeUndefined();
    expect(inputs.length).toBe(0);
  });
});
