import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
// @ts-expect-error -- a script, without types
import * as script from "../../../scripts/reference.mjs";
import { root } from "./support/cli.js";

const { eventsOf, referencePages } = script as {
  readonly eventsOf: (source: string) => readonly { readonly name: string; readonly fields: readonly unknown[] }[];
  readonly referencePages: () => Promise<Readonly<Record<string, string>>>;
};
const source = readFileSync(join(root, "packages/dispatcher/src/events/events.ts"), "utf8");

describe("docs/reference", () => {
  it("is what the code says: write it with node scripts/reference.mjs", async () => {
    const pages = Object.entries(await referencePages());
    expect(pages).toHaveLength(4);
    for (const [name, text] of pages) expect(readFileSync(join(root, "docs/reference", name), "utf8"), name).toBe(text);
  });

  it("has every event, each with its fields", () => {
    const events = eventsOf(source);
    const named = [...source.matchAll(/readonly type: "(\w+)"/g)].map(([, name]) => name);
    expect(events.map(({ name }) => name)).toEqual(named);
    expect(named.length).toBeGreaterThan(25);
    for (const { name, fields } of events) expect(fields.length, name).toBeGreaterThan(0);
  });
});
