import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileTrouble } from "@durable-workflow/dispatcher/tools";
import { CliError, type CliIo, EXIT } from "../shell/command.js";
import { withoutComments } from "./json-arguments.js";
import { readTextFile } from "./text-file.js";

export interface EditOptions<Result> {
  /** Of the file; its end tells the editor what it is. */
  readonly name: string;
  /** How the file is given to the command in place of `--edit`, once it is mended: `--args @FILE`, say. */
  readonly inPlace: (file: string) => string;
  /** Whether the text as it was may be used, too. Default false: it is then left alone. */
  readonly mayStay?: boolean;
  /** Uses what the text became. */
  readonly use: (edited: string) => Promise<Result>;
}

/**
 * Lets the user change arguments, as text, in the editor that `VISUAL` or `EDITOR` names (else vi, on Windows notepad), in a file for who
 * runs the command alone, and uses what it became. Ctrl-C is meant for the editor as long as that runs. The file is removed then;
 * where it cannot be used, what was written stays in it, and the user is told where.
 *
 * @throws {CliError} where the editor cannot be run or ends with an error, for a text that was emptied, or left as it was, and
 *   what `use` throws
 */
export async function editText<Result>(text: string, options: EditOptions<Result>, io: CliIo): Promise<Result> {
  const { name, inPlace, mayStay = false, use } = options;
  const folder = await folderFor(name, text);
  const file = join(folder, name);
  let isKept = false;
  try {
    const code = await io.lendTerminal(() => runEditor(file, io));
    // Whatever it is now, it is not what was prepared.
    isKept = existsSync(file);
    if (!isKept) throw nothing("the file of the editor was removed");
    const edited = await readTextFile(file, io);
    const [before, after] = [withoutComments(text).trim(), withoutComments(edited).trim()];
    isKept = after !== "" && after !== before;
    if (code !== 0) throw nothing(`the editor ended with ${code ?? "a signal"}`, NAME_ONE);
    if (io.signal.aborted) throw nothing("the command was stopped");
    if (after === "") throw nothing("the text was emptied");
    if (after === before && !mayStay) throw nothing("the text was left as it was", WAIT_FOR_IT);
    const result = await use(edited);
    isKept = false;
    return result;
  } catch (error) {
    if (!isKept) throw error;
    const kept = `What you wrote is in ${file}: once it is mended, give ${inPlace(file)} in place of --edit.`;
    if (error instanceof CliError) {
      throw new CliError(error.exitCode, error.message, error.hint === undefined ? kept : `${error.hint}\n${kept}`);
    }
    io.err(`${kept}\n`);
    throw error;
  } finally {
    if (!isKept) await rm(folder, { recursive: true, force: true });
  }
}

const NAME_ONE = "VISUAL or EDITOR names another.";
const WAIT_FOR_IT = "An editor with a window of its own has to wait until that is closed, as code --wait does.";

/** A new folder with the file in it. */
async function folderFor(name: string, text: string): Promise<string> {
  try {
    const folder = await mkdtemp(join(tmpdir(), "dw-carrier-"));
    await writeFile(join(folder, name), text, { mode: 0o600, flag: "wx" });
    return folder;
  } catch (error) {
    const told = `there can be no file for the editor in ${tmpdir()}: ${fileTrouble(error)}`;
    throw new CliError(EXIT.config, told, "TMPDIR names another folder.");
  }
}

/** What it ended with; null for a signal. */
async function runEditor(file: string, io: CliIo): Promise<number | null> {
  const isWindows = process.platform === "win32";
  const editor = io.env["VISUAL"] || io.env["EDITOR"] || (isWindows ? "notepad" : "vi");
  // A command line, as git has it: `code --wait` is one. Ctrl-C reaches the shell, too, which must live to tell how the editor ended.
  const [program, args, shell] = isWindows
    ? ([`${editor} "${file}"`, [], true] as const)
    : (["sh", ["-c", `trap : INT; ${editor} "$1"`, "sh", file], false] as const);
  try {
    return await new Promise<number | null>((resolve, reject) => {
      spawn(program, args, { stdio: "inherit", shell, cwd: io.cwd }).once("error", reject).once("exit", resolve);
    });
  } catch (error) {
    throw new CliError(EXIT.config, `the editor cannot be run (${(error as Error).message})`, NAME_ONE);
  }
}

function nothing(why: string, hint?: string): CliError {
  return new CliError(EXIT.failed, `${why}: nothing was started`, hint);
}
