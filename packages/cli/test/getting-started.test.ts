import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PackedPackages } from "@durable-workflow/test-support/packed";
import { afterAll, beforeAll, expect, it } from "vitest";
import { folderOf, Running, root } from "./support/cli.js";

/** docs/getting-started.md, followed literally in an empty folder; what npm would install are the packed packages. */
const page = readFileSync(join(root, "docs/getting-started.md"), "utf8");

interface Block {
  /** What the comment above it says: `file NAME`, `background`, or nothing. */
  readonly note: string;
  readonly language: string;
  readonly text: string;
}

const blocks: readonly Block[] = [...page.matchAll(/(?:<!-- ([^>]*) -->\n\n)?^```(\w+)\n([^]*?)^```$/gm)].map(
  ([, note = "", language = "", text = ""]) => ({ note, language, text }),
);

let packed: PackedPackages;
beforeAll(() => {
  packed = new PackedPackages();
});
afterAll(() => packed.remove());

const USUAL_URL = "http://127.0.0.1:7070";
const TWO_MINUTES = 120_000;

it("leads from an empty folder to a typed result, and to the same with an engine of another process", async () => {
  const cwd = folderOf();
  const { PATH = "", HOME = "" } = process.env;
  const env = { PATH, HOME, DW_CONFIG_HOME: join(cwd, "no-profiles") };
  const background: Running[] = [];
  let said = "";
  let isInstalled = false;
  let spentMs = 0;
  let engineUrl = USUAL_URL;
  try {
    for (const { note, language, text } of blocks) {
      const [, name] = /^file (\S+)$/.exec(note) ?? [];
      if (name !== undefined) writeFileSync(join(cwd, name), text);
      if (language === "console") expect(said).toContain(text);
      if (language !== "sh") continue;
      for (const line of text.trim().split("\n")) {
        if (line.startsWith("npm install")) {
          const names = line.split(/\s+/).filter((word) => /^@|^tsx$/.test(word));
          expect(names.length).toBeGreaterThan(1);
          if (!isInstalled) packed.installInto(cwd);
          isInstalled = true;
          for (const each of names) readFileSync(join(cwd, "node_modules", each, "package.json"));
          continue;
        }
        const started = performance.now();
        if (note === "background") {
          // npx does not pass signals on: what it would run is run.
          const [, program = "", args = ""] = /^npx (\S+) (.*)$/.exec(line) ?? [];
          const dev = new Running(process.execPath, [join(cwd, "node_modules/.bin", program), ...args.split(" ")], {
            cwd,
            env,
          });
          background.push(dev);
          await dev.until(/Start one/);
          // The usual port, unless it is taken on this machine.
          [, engineUrl = engineUrl] = /engine +(http:\S+)/.exec(dev.stdout) ?? [];
        } else {
          const command = line.replace(USUAL_URL, engineUrl);
          const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { cwd, env, encoding: "utf8" });
          expect([line, status, stderr]).toEqual([line, 0, ""]);
          said = `${stdout}${said}`.slice(0, 20_000);
        }
        spentMs += performance.now() - started;
      }
    }
  } finally {
    for (const running of background) await running.stop();
  }
  expect(spentMs).toBeLessThan(TWO_MINUTES);
  expect(said).toMatch(/invoices\.total +2 +completed +\{"id":"invoice-7","cents":1299\}/);
});

it("has code that compiles, with the types that it promises", () => {
  const cwd = folderOf();
  packed.installInto(cwd);
  for (const { note, text } of blocks) {
    const [, name] = /^file (\S+)$/.exec(note) ?? [];
    if (name !== undefined) writeFileSync(join(cwd, name), text);
  }
  const main = readFileSync(join(cwd, "main.mts"), "utf8");
  const wrong = main.replace(
    "const { id, cents } = invoice;",
    "const { id, cents }: { id: number; cents: string } = invoice;",
  );
  expect(wrong).not.toBe(main);
  const compiled = (): string => {
    const args = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--types", "node", "main.mts"];
    const tsc = join(cwd, "node_modules/.bin/tsc");
    return spawnSync(process.execPath, [tsc, ...args], { cwd, encoding: "utf8" }).stdout;
  };
  expect(compiled()).toBe("");
  writeFileSync(join(cwd, "main.mts"), wrong);
  expect(compiled()).toContain("TS2322");
});

it("is found from the README", () => {
  expect(readFileSync(join(root, "README.md"), "utf8")).toContain("docs/getting-started.md");
});
