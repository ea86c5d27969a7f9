import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { negotiateVersion, PATHS, PROTOCOL_VERSION, pathTo, REASONS, SINCE, speaks } from "../src/index.js";
import { readLeasedTask } from "../src/worker/index.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const manifest: { exports: object } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
) as never;

it("the README's example does what it says", () => {
  expect(readme).toContain('negotiateVersion("1.0"); // "1.0"');
  expect(negotiateVersion("1.0")).toBe("1.0");
  const { task, violations } = readLeasedTask("default", { task_id: "t1" });
  expect(task).toBeUndefined();
  expect(violations?.map(({ path }) => path)).toContain("activity_attempt_id");
});

it("the README names every subpath", () => {
  for (const entry of Object.keys(manifest.exports).filter((one) => !one.endsWith(".json"))) {
    expect(readme).toContain(`\`${entry.replace(/^\.(?=\/)/, "")}\``);
  }
});

describe("versions", () => {
  it.each(Object.entries(SINCE))("%s: from its version on, and in no other major", (feature, since) => {
    const [major, minor] = since.split(".").map(Number) as [number, number];
    const name = feature as keyof typeof SINCE;
    expect(speaks(since, name)).toBe(true);
    expect(speaks(`${major}.${minor + 1}`, name)).toBe(true);
    expect(speaks(`${major}.${minor - 1}`, name)).toBe(false);
    expect(speaks(`${major + 1}.${minor}`, name)).toBe(false);
    expect(speaks("soon", name)).toBe(false);
  });

  it("what is spoken can be negotiated", () => {
    expect(negotiateVersion(PROTOCOL_VERSION)).toBe(PROTOCOL_VERSION);
  });
});

describe("paths", () => {
  it.each(Object.values(PATHS))("%s stands once, and can be filled in", (pattern) => {
    expect(Object.values(PATHS).filter((one) => one === pattern)).toHaveLength(1);
    const names = [...pattern.matchAll(/:([a-z]+)/g)].map(([, name]) => name ?? "");
    const filled = pathTo(pattern, Object.fromEntries(names.map((name) => [name, "a/b"])) as never);
    expect(filled).toBe(pattern.replaceAll(/:[a-z]+/g, "a%2Fb"));
  });
});

it("every reason has a meaning", () => {
  for (const [reason, meaning] of Object.entries(REASONS)) {
    expect(reason).toMatch(/^[a-z_]+$/);
    expect(meaning.length).toBeGreaterThan(10);
  }
});
