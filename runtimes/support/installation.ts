import { spawn } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { PackedRegistry } from "./packed-registry.js";

/** How a program ended, and what it said. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder into which npm, on one Node, has installed some of our packages from a registry of them. */
export class Installation {
  readonly folder: string;
  private readonly node: string;

  private constructor(folder: string, node: string) {
    this.folder = folder;
    this.node = node;
  }

  /**
   * @param folder made here
   * @param node the program `node`
   * @param dependencies as in `package.json`
   * @param overrides the versions of what one of these brings, by its name and theirs
   * @throws with what npm said
   */
  static async make(
    folder: string,
    node: string,
    registry: PackedRegistry,
    dependencies: Readonly<Record<string, string>>,
    overrides: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
  ): Promise<Installation> {
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({ private: true, type: "module", dependencies, overrides }),
    );
    writeFileSync(join(folder, ".npmrc"), `@durable-workflow:registry=${registry.url}\n`);
    const made = new Installation(folder, node);
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const { status, stderr } = await made.run([npmProgram(), "install", ...options]);
    if (status !== 0) throw new Error(`npm install in ${folder}: ${stderr}`);
    return made;
  }

  /** Runs a script, or a program of what was installed by its file, with the Node of this installation. */
  run(args: readonly string[]): Promise<Ended> {
    const path = `${dirname(this.node)}${delimiter}${process.env["PATH"] ?? ""}`;
    const child = spawn(this.node, args, { cwd: this.folder, env: { ...process.env, PATH: path } });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Uint8Array) => {
      stdout += String(chunk);
    });
    child.stderr.on("data", (chunk: Uint8Array) => {
      stderr += String(chunk);
    });
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => resolve({ status, stdout, stderr }));
    });
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, "node_modules", name));
  }

  /** The version of a package, as one that was installed with it gets it, or else this folder. */
  versionOf(name: string, by = ""): string {
    const modules = join(this.folder, "node_modules");
    const nested = join(modules, by, "node_modules", name, "package.json");
    const file = by !== "" && existsSync(nested) ? nested : join(modules, name, "package.json");
    return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
  }

  /** The sizes of all files that were installed, in bytes, without what npm notes for itself. */
  size(): number {
    return readdirSync(join(this.folder, "node_modules"), { recursive: true, encoding: "utf8" })
      .filter((file) => file !== ".package-lock.json")
      .map((file) => lstatSync(join(this.folder, "node_modules", file)))
      .filter((stat) => stat.isFile())
      .reduce((sum, { size }) => sum + size, 0);
  }
}

/** npm's own program: that which runs this, or else the one beside this Node. */
function npmProgram(): string {
  const own = join(dirname(realpathSync(process.execPath)), "../lib/node_modules/npm/bin/npm-cli.js");
  const running = process.env["npm_execpath"];
  return running?.endsWith("npm-cli.js") ? running : own;
}
