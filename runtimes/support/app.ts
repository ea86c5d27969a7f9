import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const START_MS = 60_000;

export interface App {
  /** As it said that it listens. */
  readonly url: string;
  /** Where something reads the body before the carrier. */
  readonly readUrl: string;
  readonly process: ChildProcess;
  readonly stop: () => Promise<void>;
}

export interface Program {
  readonly process: ReturnType<typeof spawnProgram>;
  /** What it wrote to standard error. */
  said(): string;
  readonly stop: () => Promise<void>;
}

export interface AppCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Finds the address in a line of output. Default: after `listening on`. */
  readonly listening?: RegExp;
}

/** Starts a program, and waits until it says where it listens. */
export async function startApp({ program, args, cwd, env = {}, listening }: AppCommand): Promise<App> {
  const child = spawnProgram({ program, args, cwd, env });
  const said: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const line = await new Promise<string>((resolve, reject) => {
    const fail = (what: string): void => reject(new Error(`${program} ${args.join(" ")} ${what}:\n${said.join("")}`));
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail("does not say where it listens");
    }, START_MS);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => fail(`ended with ${code}`));
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (text) => {
      said.push(`${text}\n`);
      if (!(listening ?? /listening on/).test(text)) return;
      clearTimeout(timer);
      resolve(text);
    });
  });
  const [url = "", readUrl = new URL("/read", url).href] = line.match(/http:\/\/\S+/g) ?? [];
  return { url, readUrl, process: child, stop: () => stopApp(child) };
}

/** Starts a program that does not listen. */
export function startProgram(command: Omit<AppCommand, "listening">): Program {
  const child = spawnProgram(command);
  const said: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  return { process: child, said: () => said.join(""), stop: () => stopApp(child) };
}

/** Runs a program to its end. */
export async function runProgram(command: Omit<AppCommand, "listening">): Promise<void> {
  const child = spawnProgram(command);
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command.program} ${command.args.join(" ")} ended with ${code}:\n${said.join("")}`);
}

function spawnProgram({ program, args, cwd, env }: Omit<AppCommand, "listening">) {
  return spawn(program, args, {
    cwd,
    // Nothing of this process's own settings but what a program needs.
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], NODE_ENV: "production", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

async function stopApp(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
