import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The program that runs a peer, or why there is none. Plain data: it goes to the test files as JSON. */
export type PeerProgram = { readonly path: string; readonly missing?: never } | { readonly missing: string };

/** Released versions of the Python SDK; the first is the newest. */
export const PYTHON_VERSIONS = ["2.12.0", "2.0.0", "2.0.0rc35"] as const;
export type PythonVersion = (typeof PYTHON_VERSIONS)[number];

export interface Peers {
  readonly python: Readonly<Record<PythonVersion, PeerProgram>>;
  readonly rust: PeerProgram;
}

/** Its Cargo.toml pins the versions. */
const RUST_PROJECT = fileURLToPath(new URL("../rust", import.meta.url));
const PYTHON_REQUIREMENTS = fileURLToPath(new URL("../python/requirements.txt", import.meta.url));

/** What pip and cargo may take; the first build of the Rust crate takes minutes. */
const PIP_LIMIT_MS = 180_000;
const CARGO_LIMIT_MS = 1_800_000;

/** Outside the tree, and kept between runs. */
function cacheFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "durable-workflow-interop");
}

/** Makes what is not there yet. A peer that cannot be made is told, and left out. */
export function preparePeers(): Peers {
  const folder = cacheFolder();
  mkdirSync(folder, { recursive: true });
  const rust = told("the Rust crate", () => prepareRust(folder));
  const python = Object.fromEntries(
    PYTHON_VERSIONS.map((version) => [version, told(`Python ${version}`, () => preparePython(folder, version))]),
  ) as Peers["python"];
  return { python, rust };
}

function told(name: string, prepare: () => PeerProgram): PeerProgram {
  const started = Date.now();
  const peer = prepare();
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    `interop: ${name} ${peer.missing === undefined ? "is ready" : `is left out: ${peer.missing}`} (${seconds} s)\n`,
  );
  return peer;
}

function preparePython(folder: string, version: PythonVersion): PeerProgram {
  const requirements = `${readFileSync(PYTHON_REQUIREMENTS, "utf8")}durable-workflow==${version}\n`;
  const environment = join(folder, `python-${version}`);
  const path = join(environment, "bin", "python");
  // Written last: an environment that was interrupted has none, and is made anew.
  const stamp = join(environment, "interop-stamp");
  const made = createHash("sha256").update(requirements).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === made && runs(path, ["-c", "import durable_workflow"])) {
    return { path };
  }
  rmSync(environment, { recursive: true, force: true });
  const venv = run("python3", ["-m", "venv", environment], PIP_LIMIT_MS);
  if (venv !== undefined) return { missing: `python3 -m venv: ${venv}` };
  const list = join(environment, "requirements.txt");
  writeFileSync(list, requirements);
  const pip = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--retries",
    "1",
    "--timeout",
    "20",
  ];
  const installed = run(path, [...pip, "--requirement", list], PIP_LIMIT_MS);
  if (installed !== undefined) return { missing: `pip install durable-workflow==${version}: ${installed}` };
  writeFileSync(stamp, made);
  return { path };
}

/** Cargo writes its lock file beside Cargo.toml: it runs on a copy, so that the lock stays in the cache with what was built. */
function prepareRust(folder: string): PeerProgram {
  const project = join(folder, "rust");
  const target = join(folder, "rust-target");
  rmSync(join(project, "src"), { recursive: true, force: true });
  // With the times of the originals, by which cargo tells what has changed.
  for (const part of ["Cargo.toml", "src"]) {
    cpSync(join(RUST_PROJECT, part), join(project, part), { recursive: true, preserveTimestamps: true });
  }
  const build = ["build", "--release", "--quiet"];
  const options = {
    cwd: project,
    env: { ...process.env, CARGO_TARGET_DIR: target, CARGO_NET_RETRY: "1", CARGO_HTTP_TIMEOUT: "20" },
  };
  // What is there already needs no registry.
  const offline = run("cargo", [...build, "--offline"], CARGO_LIMIT_MS, options);
  const built = offline === undefined ? undefined : run("cargo", build, CARGO_LIMIT_MS, options);
  if (built !== undefined) return { missing: `cargo build: ${built}` };
  return { path: join(target, "release", "interop-peer") };
}

function runs(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore", timeout: 30_000 }).status === 0;
}

/** Undefined when it succeeded, else the last thing that it said. */
function run(program: string, args: readonly string[], limitMs: number, options: object = {}): string | undefined {
  const { status, error, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: limitMs, ...options });
  if (error !== undefined) return error.message;
  if (status === 0) return undefined;
  const lines = stderr.trim().split("\n");
  return lines.findLast((line) => /error/i.test(line))?.trim() ?? lines.at(-1) ?? `exit code ${String(status)}`;
}
