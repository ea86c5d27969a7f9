import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CliError, type CliIo, EXIT } from "../shell/command.js";
import { readTextFile } from "./text-file.js";

/**
 * Lets the user change a text in the editor that `VISUAL` or `EDITOR` names (else vi, on Windows notepad), in a file for who
 * runs the command alone, which is removed.
 *
 * @param name of the file, whose end tells the editor what it is
 * @throws {CliError} where the editor cannot be run or ends with an error, and for a text that was emptied
 */
export async function editText(text: string, name: string, io: CliIo): Promise<string> {
  const isWindows = process.platform === "win32";
  const editor = io.env["VISUAL"] || io.env["EDITOR"] || (isWindows ? "notepad" : "vi");
  const folder = await mkdtemp(join(tmpdir(), "dw-carrier-"));
  try {
    const file = join(folder, name);
    await writeFile(file, text, { mode: 0o600, flag: "wx" });
    // A command line, as git has it: `code --wait` is one.
    const [program, args, shell] = isWindows
      ? ([`${editor} "${file}"`, [], true] as const)
      : (["sh", ["-c", `${editor} "$1"`, "sh", file], false] as const);
    const code = await new Promise<number | null>((resolve, reject) => {
      spawn(program, args, { stdio: "inherit", shell, cwd: io.cwd }).once("error", reject).once("exit", resolve);
    });
    if (code !== 0) throw new CliError(EXIT.failed, `the editor ended with ${code ?? "a signal"}: nothing was started`);
    const edited = await readTextFile(file, io);
    if (edited.trim() === "") throw new CliError(EXIT.failed, "the text was emptied: nothing was started");
    return edited;
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(EXIT.config, `the editor cannot be run (${(error as Error).message})`, "Name one with EDITOR.");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
