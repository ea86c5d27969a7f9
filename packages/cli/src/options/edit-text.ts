import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
 * runs the command alone, and uses what it became. The file is removed then; where it cannot be used, what was written stays in it,
 * and the error says where.
 *
 * @throws {CliError} where the editor cannot be run or ends with an error, for a text that was emptied, or left as it was, and
 *   what `use` throws
 */
export async function editText<Result>(text: string, options: EditOptions<Result>, io: CliIo): Promise<Result> {
  const { name, inPlace, mayStay = false, use } = options;
  const folder = await mkdtemp(join(tmpdir(), "dw-carrier-"));
  const file = join(folder, name);
  let isKept = false;
  try {
    await writeFile(file, text, { mode: 0o600, flag: "wx" });
    const code = await runEditor(file, io);
    const edited = await readTextFile(file, io).catch((error: unknown) => {
      // Whatever it is now, it is not what was prepared.
      isKept = true;
      throw error;
    });
    const [before, after] = [withoutComments(text).trim(), withoutComments(edited).trim()];
    isKept = after !== "" && after !== before;
    if (code !== 0) throw nothing(`the editor ended with ${code ?? "a signal"}`);
    if (io.signal.aborted) throw nothing("the command was stopped");
    if (after === "") throw nothing("the text was emptied");
    if (after === before && !mayStay) throw nothing("the text was left as it was");
    const result = await use(edited);
    isKept = false;
    return result;
  } catch (error) {
    if (!isKept || !(error instanceof CliError)) throw error;
    const kept = `What you wrote is in ${file}: once it is mended, give ${inPlace(file)} in place of --edit.`;
    throw new CliError(error.exitCode, error.message, error.hint === undefined ? kept : `${error.hint}\n${kept}`);
  } finally {
    if (!isKept) await rm(folder, { recursive: true, force: true });
  }
}

/** What it ended with; null for a signal. */
async function runEditor(file: string, io: CliIo): Promise<number | null> {
  const isWindows = process.platform === "win32";
  const editor = io.env["VISUAL"] || io.env["EDITOR"] || (isWindows ? "notepad" : "vi");
  // A command line, as git has it: `code --wait` is one.
  const [program, args, shell] = isWindows
    ? ([`${editor} "${file}"`, [], true] as const)
    : (["sh", ["-c", `${editor} "$1"`, "sh", file], false] as const);
  try {
    return await new Promise<number | null>((resolve, reject) => {
      spawn(program, args, { stdio: "inherit", shell, cwd: io.cwd }).once("error", reject).once("exit", resolve);
    });
  } catch (error) {
    throw new CliError(EXIT.config, `the editor cannot be run (${(error as Error).message})`, "Name one with EDITOR.");
  }
}

function nothing(why: string): CliError {
  return new CliError(EXIT.failed, `${why}: nothing was started`);
}
