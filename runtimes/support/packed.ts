import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: true;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The `package.json` of every package that is published. */
export function publishedManifests(): readonly Manifest[] {
  return readdirSync(`${root}packages`)
    .map((name) => JSON.parse(readFileSync(`${root}packages/${name}/package.json`, "utf8")) as Manifest)
    .filter((manifest) => manifest.private !== true);
}

/** A package as it is packed. */
export interface PackedPackage {
  readonly name: string;
  /** What can be imported, by its whole name. */
  readonly entries: readonly string[];
}

/**
 * Packs the packages and lays them out in a folder as an installation has them. What they depend on, and the peers that they
 * may be given, are those of this repository.
 */
export function installPacked(folder: string): readonly PackedPackage[] {
  const tarballs = join(folder, "tarballs");
  mkdirSync(tarballs, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const linked = new Set(["@types/node", "undici-types"]);
  const packages: PackedPackage[] = [];
  for (const manifest of publishedManifests()) {
    const pack = ["pack", "--json", "--pack-destination", tarballs, "--workspace", manifest.name];
    const report = JSON.parse(runIn(root, "npm", pack)) as Readonly<Record<string, { readonly filename: string }>>;
    // npm 11 and older list packages, newer ones name them.
    const [packed] = Object.values(report);
    const installed = join(folder, "node_modules", manifest.name);
    mkdirSync(installed, { recursive: true });
    runIn(folder, "tar", ["-xzf", join(tarballs, packed?.filename ?? ""), "-C", installed, "--strip-components=1"]);
    const needed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    for (const each of needed) if (!each.startsWith("@durable-workflow/")) linked.add(each);
    const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith(".json"));
    packages.push({ name: manifest.name, entries: entries.map((entry) => manifest.name + entry.slice(1)) });
  }
  for (const name of linked) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(`${root}node_modules/${name}`, link, "dir");
  }
  return packages;
}

export function runIn(cwd: string | URL, program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr}`);
  return stdout;
}
