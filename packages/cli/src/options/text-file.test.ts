import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { folderOf } from "../../test/support/cli.js";
import { runHere } from "../../test/support/run-here.js";
import { readArgumentText } from "./json-arguments.js";
import { decodeText, readTextFile } from "./text-file.js";

const io = (cwd: string, ...bytes: readonly number[]) => ({
  cwd,
  stdin: Readable.from([Buffer.from(bytes)]),
  signal: new AbortController().signal,
});

it("a byte order mark is no part of the text, in files and standard input", async () => {
  const cwd = folderOf({ "a.json": '\ufeff["Ada"]' });
  expect(await readTextFile("a.json", io(cwd))).toBe('["Ada"]');
  expect(await readArgumentText("@a.json", io(cwd))).toBe('["Ada"]');
  expect(await readArgumentText("-", io(cwd, 0xef, 0xbb, 0xbf, 0x37))).toBe("7");
  expect(decodeText(Buffer.from("\ufeff{}"))).toBe("{}");
});

it("what is not UTF-8 is refused with a sentence", async () => {
  const cwd = folderOf();
  await expect(readTextFile("-", io(cwd, 0xff))).rejects.toMatchObject({
    exitCode: 78,
    message: "standard input is not UTF-8",
  });
  await expect(readArgumentText("-", io(cwd, 0x22, 0xe9, 0x22))).rejects.toMatchObject({
    exitCode: 2,
    message: "standard input, for the arguments, is not UTF-8",
  });
  // Node replaces what cannot be read on the command line before anybody sees it.
  await expect(readArgumentText('["caf\ufffd"]', io(cwd))).rejects.toMatchObject({ exitCode: 2 });
  expect(await readArgumentText(String.raw`["\ufffd"]`, io(cwd))).toBe(String.raw`["\ufffd"]`);
});

it.each(["inspect a.json", "invoke --envelope a.json --print"])("%s reads a byte order mark", async (line) => {
  const cwd = folderOf({ "a.json": '\ufeff{"codec":"avro","blob":"wwHioz3/VYAiNwoKaGVsbG8="}' });
  const { code, stdout } = await runHere(line.split(" "), { cwd });
  expect([code, stdout]).toEqual([0, expect.not.stringContaining("ufeff")]);
});
