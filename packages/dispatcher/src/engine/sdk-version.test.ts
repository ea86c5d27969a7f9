import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { SDK_VERSION } from "./sdk-version.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

it("the version told at registration is the package's own", () => {
  expect(SDK_VERSION).toBe(`durable-workflow-dispatcher/${version}`);
});

it("so it is where the package is unpacked: the compiled file beside its package.json", () => {
  const folder = mkdtempSync(join(tmpdir(), "dispatcher-version-"));
  try {
    for (const file of ["package.json", "dist/engine/sdk-version.js"]) cpSync(join(root, file), join(folder, file));
    const script = 'const { SDK_VERSION } = await import("./dist/engine/sdk-version.js"); console.log(SDK_VERSION);';
    const said = execFileSync(process.execPath, ["--input-type=module", "-e", script], { cwd: folder });
    expect(said.toString().trim()).toBe(SDK_VERSION);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
