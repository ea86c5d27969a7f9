import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { fileTrouble } from "./file-trouble.js";

function trouble(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return fileTrouble(error);
  }
  return "none";
}

it("what a system says of a file is told in words, and without any by its code", () => {
  const folder = mkdtempSync(join(tmpdir(), "dw-files-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "file");
  writeFileSync(file, "");
  expect(trouble(() => readFileSync(join(folder, "none")))).toBe("there is no such file or folder");
  expect(trouble(() => readFileSync(folder))).toBe("it is a folder");
  expect(trouble(() => readFileSync(join(file, "below")))).toBe("a part of its path is a file");
  expect(trouble(() => mkdirSync(folder))).toBe("something of that name is there already");
  expect(trouble(() => readFileSync(join(folder, "x".repeat(300))))).toBe("the name is too long");
  expect(fileTrouble(Object.assign(new Error("odd"), { code: "EODD" }))).toBe("the system says EODD");
  expect(fileTrouble("odd")).toBe("the system says unknown error");
});
