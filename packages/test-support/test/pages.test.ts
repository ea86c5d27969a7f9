import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { House, roomsOf } from "../src/sources.js";

/** Pages that name files: what they name exists. */
const root = fileURLToPath(new URL("../../../", import.meta.url));
const docs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
  .map((name) => `docs/${name.replaceAll("\\", "/")}`)
  .filter((name) => name.endsWith(".md"));
/** Beside those of docs/: what a contributor or operator finds at the top. */
const atTop = readdirSync(root).filter((name) => name.endsWith(".md") && name !== "CHANGELOG.md");
const pages = [...docs, ...atTop];
const text = (page: string): string => readFileSync(join(root, page), "utf8");
const architecture = text("docs/understand/architecture.md");

/** Files that a page names by their path from the root on. */
const named = [
  ...new Set(
    [...architecture.matchAll(/`((?:packages|docs|scripts|examples)\/[^`\s]+)`/g)].map(([, file = ""]) => file),
  ),
];

describe("docs/understand/architecture.md", () => {
  it("names many files", () => {
    expect(named.length).toBeGreaterThan(60);
  });

  it.each(named)("%s exists", (file) => {
    expect(existsSync(join(root, file))).toBe(true);
  });

  it("tells of every package and of every room", () => {
    for (const { folder, sources } of new House().packages) {
      expect(architecture).toContain(`| \`packages/${folder}\``);
      const short =
        new RegExp(`^- \\*\\*${folder}\\*\\*:[^]*?(?=\\n- \\*\\*|\\n\\n)`, "m").exec(architecture)?.[0] ?? "";
      for (const room of roomsOf(sources).keys()) expect(short, `${folder}: ${room}`).toContain(`\`${room}\``);
    }
  });

  it("has walks of under a page each", () => {
    const walks = architecture.split("\n## ").filter((part) => /^A (?:leased task|start request|command)/.test(part));
    expect(walks).toHaveLength(3);
    for (const walk of walks) expect(walk.split("\n").length, walk.slice(0, 40)).toBeLessThanOrEqual(45);
  });
});

describe.each(pages)("%s", (page) => {
  it("is found from the index", () => {
    const name = page.replace("docs/", "");
    if (page.startsWith("docs/") && name !== "README.md") expect(text("docs/README.md")).toContain(`](${name})`);
  });

  it("links to what exists", () => {
    for (const [, target = ""] of text(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      expect(existsSync(join(root, dirname(page), target)), target).toBe(true);
    }
  });
});
