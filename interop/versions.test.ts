import { readFileSync } from "node:fs";
import { markdownTable } from "@durable-workflow/test-support/markdown";
import { expect, it } from "vitest";
import { PYTHON_WORKERS, RUST_WORKERS } from "./expectations.js";

/** The table of released SDKs in VERSIONING.md: its rows are the peers of this suite, each with the file that runs it. */
const page = readFileSync(new URL("../VERSIONING.md", import.meta.url), "utf8");

it("the SDKs that VERSIONING.md names are those that are run, each asking for the protocol it says", () => {
  const rows = markdownTable(page, "SDK, as a worker on the local engine");
  expect(rows.map(([name, protocol]) => [name, protocol])).toEqual(
    [...PYTHON_WORKERS, ...RUST_WORKERS].map(({ name, needs }) => [name, needs]),
  );
  for (const [name = "", , by = ""] of rows) {
    const file = /^`(interop\/[\w-]+\.test\.ts)`$/.exec(by)?.[1] ?? "";
    const source = readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
    expect(source, by).toContain(
      name.startsWith("Python") ? "of PYTHON_WORKERS.entries()" : "of RUST_WORKERS.entries()",
    );
  }
});
