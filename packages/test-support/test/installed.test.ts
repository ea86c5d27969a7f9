import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
// @ts-expect-error -- a script, without types
import { isInstalled } from "../../../scripts/lib.mjs";

const installed = isInstalled as (top: string) => boolean;
let top = "";

beforeEach(() => {
  top = mkdtempSync(join(realpathSync(tmpdir()), "installed-"));
  write("package.json", { workspaces: ["packages/*"] });
  write("package-lock.json", {});
  write("packages/one/package.json", { name: "@house/one" });
  write("node_modules/.package-lock.json", {});
  link("one");
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

function write(file: string, content: object): void {
  mkdirSync(join(top, file, ".."), { recursive: true });
  writeFileSync(join(top, file), JSON.stringify(content));
}

function link(name: string): void {
  mkdirSync(join(top, "node_modules/@house"), { recursive: true });
  symlinkSync(`../../packages/${name}`, join(top, "node_modules/@house", name));
}

it("what the lock file says is installed", () => {
  expect(installed(top)).toBe(true);
});

it("an older node_modules is not enough", () => {
  utimesSync(join(top, "node_modules/.package-lock.json"), 0, 0);
  expect(installed(top)).toBe(false);
});

it("a workspace that came since has to be linked", () => {
  write("packages/two/package.json", { name: "@house/two" });
  expect(installed(top)).toBe(false);
  link("two");
  expect(installed(top)).toBe(true);
});

it("a folder without a package.json is no workspace", () => {
  mkdirSync(join(top, "packages/empty"));
  expect(installed(top)).toBe(true);
});
