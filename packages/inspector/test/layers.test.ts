import { folderOf, SourceTree } from "@durable-workflow/test-support/sources";
import { describe, expect, it } from "vitest";

/** The layer rules: which room may import which, and which packages. */
const sources = new SourceTree(new URL("../src/", import.meta.url));
const files = sources.files.filter((file) => !file.startsWith("page/"));

/** Beside its own room, the files at the top may be imported by all: they say what is wrong, and cut texts. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  // The page's API, pure: the page imports it too.
  api: [],
  // What the page shows, made of what engines tell.
  view: ["api"],
  // How engines are asked, by kind.
  engine: ["api", "view"],
  // Payloads on demand.
  payload: ["api", "view", "engine"],
  // What can be done.
  action: ["api", "view", "engine", "payload"],
  // Who watches.
  live: ["api", "engine"],
  // Who is let in, and what is answered.
  http: ["api", "view", "engine", "payload", "action", "live"],
};

it("finds the sources", () => {
  expect(new Set(files.map(folderOf))).toEqual(new Set(["", ...Object.keys(MAY_IMPORT)]));
});

describe.each(files.filter((file) => folderOf(file) !== ""))("%s", (file) => {
  it("imports its own room and lower ones only", () => {
    const room = folderOf(file);
    for (const imported of sources.importedFiles(file)) {
      expect(["", room, ...(MAY_IMPORT[room] ?? [])], imported).toContain(folderOf(imported));
    }
  });
});

it("the API is types and words: it imports nothing but itself, so that the page may import it", () => {
  for (const file of files.filter((one) => folderOf(one) === "api")) {
    expect(sources.importedPackages(file), file).toEqual([]);
    for (const imported of sources.importedFiles(file)) expect(folderOf(imported)).toBe("api");
  }
});

it("the page imports the API alone of all this", () => {
  for (const file of sources.files.filter((one) => one.startsWith("page/"))) {
    for (const imported of sources.importedFiles(file)) {
      expect(imported.startsWith("page/") || imported.startsWith("api/"), `${file} -> ${imported}`).toBe(true);
    }
  }
});

it("never sees a credential of the engine's: whoever mounts it sends the requests", () => {
  for (const file of files) {
    const code = sources.code(file);
    expect(code, file).not.toMatch(/\bfetch\(|from "undici"|\brequest\(\s*new URL|[Bb]earer /);
    expect(code, file).not.toMatch(/\bconsole\b|process\.(?:std|env)/);
  }
});
