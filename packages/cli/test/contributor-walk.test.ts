import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { Running, root } from "./support/cli.js";

/** A contributor's way from a clone to a new adapter with its conformance run, as CONTRIBUTING.md has it. */
const page = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");

function block(language: string): string {
  const section = page.slice(page.indexOf("A platform that hands over bytes"));
  const found = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(section)?.[1];
  if (found === undefined) throw new Error(`CONTRIBUTING.md has no ${language} block in the walk`);
  return found;
}

/** The files of this checkout in another folder, with the packages that are installed here. */
function cloneOf(): string {
  const clone = mkdtempSync(join(tmpdir(), "dw-contributor-"));
  onTestFinished(() => rmSync(clone, { recursive: true, force: true }));
  const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: root, encoding: "utf8" });
  for (const file of files
    .split("\0")
    .filter((name) => /^(?:packages|examples\/billing|tsconfig|package|vitest|scripts)/.test(name))) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    writeFileSync(join(clone, file), readFileSync(join(root, file)));
  }
  const modules = join(clone, "node_modules");
  mkdirSync(join(modules, "@durable-workflow"), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules")))
    if (name !== "@durable-workflow" && name !== ".vite")
      symlinkSync(join(root, "node_modules", name), join(modules, name));
  for (const folder of readdirSync(join(clone, "packages"))) {
    const { name } = JSON.parse(readFileSync(join(clone, "packages", folder, "package.json"), "utf8")) as {
      name: string;
    };
    symlinkSync(join(clone, "packages", folder), join(modules, name));
  }
  return clone;
}

it("goes from a clone to a new adapter, which obeys the laws and conforms", async () => {
  const clone = cloneOf();
  writeFileSync(join(clone, "packages/carrier/src/adapters/tiny.ts"), block("ts"));
  const manifest = join(clone, "packages/carrier/package.json");
  const before = JSON.parse(readFileSync(manifest, "utf8")) as { exports: object };
  const door = JSON.parse(block("json")) as object;
  writeFileSync(manifest, JSON.stringify({ ...before, exports: { ...before.exports, ...door } }, null, 2));
  writeFileSync(join(clone, "tiny.mjs"), block("js"));

  const steps = block("sh").trim().split("\n");
  expect(steps).toEqual([
    "npm run build",
    "npm test -- packages/carrier/test/layers.test.ts",
    "node tiny.mjs &",
    "node packages/cli/dist/bin.js conformance http://127.0.0.1:8080/",
  ]);
  const bin = (name: string, ...args: string[]) =>
    spawnSync(process.execPath, [join(root, "node_modules", name), ...args], { cwd: clone, encoding: "utf8" });
  const built = bin("typescript/bin/tsc", "-b");
  expect(built.stdout + built.stderr).toBe("");
  // The page of the inspector, which the build makes last, is no part of this walk.
  const doors = spawnSync(process.execPath, ["packages/carrier/build.mjs"], { cwd: clone, encoding: "utf8" });
  expect([doors.status, doors.stderr]).toEqual([0, ""]);
  const laws = bin("vitest/vitest.mjs", "run", "packages/carrier/test/layers.test.ts");
  expect([laws.status, laws.stdout + laws.stderr]).toEqual([0, expect.stringMatching(/Tests .*passed/)]);

  const platform = new Running(process.execPath, ["tiny.mjs"], { cwd: clone, env: { PORT: "0" } });
  const [, port = ""] = await platform.until(/on (\d+)/);
  const conformance = new Running(
    process.execPath,
    ["packages/cli/dist/bin.js", "conformance", `http://127.0.0.1:${port}/`],
    { cwd: clone },
  );
  const { code, stdout, stderr } = await conformance.ended;
  expect(stdout + stderr).toMatch(/conforms/i);
  expect(code).toBe(0);
  await platform.stop("SIGKILL");
});
