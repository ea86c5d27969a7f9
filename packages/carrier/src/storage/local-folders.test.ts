import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { makeFolders } from "./local-folders.js";

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "dw-folders-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

it("a folder is made with those above it, by several at once, and stays as it is", async () => {
  const deep = join(folder(), "a", "b", "c");
  await Promise.all([makeFolders(deep, 0o700), makeFolders(deep, 0o700), makeFolders(join(deep, "d"), 0o700)]);
  await makeFolders(deep, 0o755);
  expect(statSync(join(deep, "d")).isDirectory()).toBe(true);
  if (process.platform !== "win32") expect(statSync(deep).mode & 0o777).toBe(0o700);
});

it("what cannot be made is told, and nothing goes on for ever", async () => {
  const file = join(folder(), "file");
  writeFileSync(file, "");
  await expect(makeFolders(file)).rejects.toMatchObject({ code: "EEXIST" });
  await expect(makeFolders(join(file, "below", "it"))).rejects.toMatchObject({ code: "ENOTDIR" });
  if (existsSync("/proc/self"))
    await expect(makeFolders("/proc/dw-none/below")).rejects.toMatchObject({ code: "ENOENT" });
});
