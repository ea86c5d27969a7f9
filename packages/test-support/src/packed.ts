import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly bin?: Readonly<Record<string, string>>;
}

interface PackReport {
  readonly name: string;
  readonly filename: string;
}

const OPTIONS = { cwd: root, encoding: "utf8", shell: process.platform === "win32" } as const;

/**
 * The packages of this repository as their users get them: packed, each tarball unpacked into a `node_modules`, beside the
 * third-party packages that are installed here. No registry is asked.
 */
export class PackedPackages {
  private readonly folder = mkdtempSync(join(tmpdir(), "packed-"));
  private readonly modules = join(this.folder, "node_modules");

  constructor() {
    const manifests = readdirSync(join(root, "packages"))
      .map((entry) => join(root, "packages", entry, "package.json"))
      .filter((path) => existsSync(path))
      .map((path) => JSON.parse(readFileSync(path, "utf8")) as Manifest)
      .filter((manifest) => manifest.private !== true);
    const workspaces = manifests.flatMap(({ name }) => ["--workspace", name]);
    const packed = spawnSync("npm", ["pack", "--json", "--pack-destination", this.folder, ...workspaces], OPTIONS);
    if (packed.status !== 0) throw new Error(`the packages cannot be packed: ${packed.stderr}`);
    const reports = Object.values(JSON.parse(packed.stdout) as Record<string, PackReport>);
    for (const manifest of manifests) {
      this.unpack(manifest, reports.find(({ name }) => name === manifest.name)?.filename ?? "");
    }
    for (const name of thirdParty(join(root, "node_modules"))) {
      const target = join(this.modules, name);
      if (existsSync(target)) continue;
      mkdirSync(dirname(target), { recursive: true });
      symlinkSync(join(root, "node_modules", name), target, "junction");
    }
  }

  /** Puts them where `npm install` would, programs included. */
  installInto(folder: string): void {
    symlinkSync(this.modules, join(folder, "node_modules"), "junction");
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private unpack({ name, bin = {} }: Manifest, filename: string): void {
    const target = join(this.modules, name);
    mkdirSync(target, { recursive: true });
    const tarball = join(this.folder, filename);
    const { status, stderr } = spawnSync("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"], OPTIONS);
    if (status !== 0) throw new Error(`${tarball} cannot be unpacked: ${stderr}`);
    for (const [program, file] of Object.entries(bin)) {
      mkdirSync(join(this.modules, ".bin"), { recursive: true });
      // As npm does when it installs a program.
      chmodSync(join(target, file), 0o755);
      symlinkSync(join(target, file), join(this.modules, ".bin", program));
    }
  }
}

/** What is installed here, and not of this project: names, those of scopes whole; `.bin/NAME` for programs. */
function thirdParty(modules: string): readonly string[] {
  return readdirSync(modules).flatMap((name) => {
    if (name.startsWith("@") || name === ".bin")
      return readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`);
    return name.startsWith(".") ? [] : [name];
  });
}
