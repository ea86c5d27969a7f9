import { readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AppCommand, runProgram } from "./app.js";
import { installedFile, work } from "./runtimes.js";

/** The repository's own tools, which examples have among their development dependencies. */
const ownTools = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));

/** The programs that examples are started with. */
const PROGRAMS = {
  node: "node-24/bin/node",
  bun: "@oven/bun-linux-x64/bin/bun",
  deno: "@deno/linux-x64-glibc/deno",
};

interface Manifest {
  readonly main?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly tasks?: Readonly<Record<string, string>>;
}

/** A folder of examples/, as it was copied for this run. */
export class Example {
  readonly folder: string;
  private readonly manifestName: string;

  constructor(name: string, manifestName = "package.json") {
    this.folder = join(work, "examples", name);
    this.manifestName = manifestName;
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), "utf8");
  }

  /** The file that package.json names. */
  get main(): string {
    const { main = "" } = this.manifest();
    return join(this.folder, main);
  }

  private manifest(): Manifest {
    return JSON.parse(this.read(this.manifestName)) as Manifest;
  }

  /** Runs a script of package.json, by npm. */
  async runScript(name: string): Promise<void> {
    const node = installedFile(PROGRAMS.node).path;
    const tools = installedFile(".bin").path;
    const path = [dirname(node), ownTools, tools, process.env["PATH"]].join(delimiter);
    const env = { PATH: path, NEXT_TELEMETRY_DISABLED: "1" };
    await runProgram({ program: "npm", args: ["run", "--silent", name], cwd: this.folder, env });
  }

  /** What its start script says, without what is between: killing npm would leave its child alone. */
  startCommand(env: Readonly<Record<string, string>>): AppCommand {
    const { scripts, tasks } = this.manifest();
    const [program = "", ...args] = ((scripts ?? tasks)?.["start"] ?? "").split(" ");
    const file = PROGRAMS[program as keyof typeof PROGRAMS];
    if (file === undefined) throw new Error(`${this.folder} is started with an unknown program: ${program}`);
    const settings = { PORT: "0", DENO_DIR: join(work, "deno-dir"), ...env };
    return { program: installedFile(file).path, args, cwd: this.folder, env: settings };
  }
}

/** Why the program that an example is started with is not here. */
export function missingProgram(name: keyof typeof PROGRAMS): string | undefined {
  return installedFile(PROGRAMS[name]).missing;
}
