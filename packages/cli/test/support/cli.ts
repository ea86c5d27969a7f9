import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export const root = fileURLToPath(new URL("../../../../", import.meta.url));
const BIN = fileURLToPath(new URL("../../dist/bin.js", import.meta.url));
/** Generous: a busy machine takes long to start a process. */
const PATIENCE_MS = 45_000;

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Whether it is the first of a process group, as in a terminal of its own. */
  readonly detached?: boolean;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs, and what it has said so far. */
export class Running {
  stdout = "";
  stderr = "";
  readonly ended: Promise<Finished>;
  private readonly child: ChildProcess;
  private readonly watchers = new Set<() => void>();

  constructor(
    program: string,
    args: readonly string[],
    { cwd = root, env = {}, stdin = "", detached = false }: RunOptions = {},
  ) {
    // Nothing of this machine's own settings.
    const { PATH = "", HOME = "" } = process.env;
    const own = { PATH, HOME, DW_CONFIG_HOME: join(cwd, "no-profiles") };
    this.child = spawn(program, args, { cwd, detached, env: { ...own, ...env } });
    this.child.stdin?.end(stdin);
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      for (const watcher of this.watchers) watcher();
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
      for (const watcher of this.watchers) watcher();
    });
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Waits until it has said what is looked for, on either stream. */
  async until(what: RegExp): Promise<RegExpExecArray> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    return new Promise<RegExpExecArray>((resolve, reject) => {
      const look = (): void => {
        const found = what.exec(this.stdout) ?? what.exec(this.stderr);
        if (found === null) return;
        this.watchers.delete(look);
        resolve(found);
      };
      const fail = (why: string) => (): void => {
        this.watchers.delete(look);
        reject(new Error(`${why} before it said ${String(what)}; it said:\n${this.stdout}\n${this.stderr}`));
      };
      timer = setTimeout(fail("too late"), PATIENCE_MS);
      void this.ended.then(() => {
        look();
        fail("it ended")();
      });
      this.watchers.add(look);
      look();
    }).finally(() => {
      clearTimeout(timer);
    });
  }

  stop(signal: NodeJS.Signals = "SIGINT"): Promise<Finished> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** Starts the real command; it is killed when the test ends, if it still runs. */
export function begin(args: readonly string[], options?: RunOptions): Running {
  const running = new Running(process.execPath, [BIN, ...args], options);
  onTestFinished(async () => {
    await running.stop("SIGKILL");
  });
  return running;
}

/** Runs the real command to its end. */
export function run(args: readonly string[], options?: RunOptions): Promise<Finished> {
  return new Running(process.execPath, [BIN, ...args], options).ended;
}

/** The documents that a command with `--json` has printed. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A new folder with these files, removed when the test ends. */
export function folderOf(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "dw-carrier-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
