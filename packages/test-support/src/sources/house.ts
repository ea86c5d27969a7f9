import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { folderOf, SourceTree } from "./source-tree.js";

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A package of this repository that is published, with its sources. */
export interface HousePackage {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly sources: SourceTree;
}

const PACKAGES = new URL("../../../", import.meta.url);

/** All packages that are published, as one: who imports whom, across packages too. */
export class House {
  readonly packages: readonly HousePackage[];
  private readonly byName: ReadonlyMap<string, HousePackage>;

  constructor() {
    this.packages = readdirSync(PACKAGES)
      // A package may hold no code, only dependencies.
      .filter((folder) =>
        ["package.json", "src"].every((part) => existsSync(fileURLToPath(new URL(`${folder}/${part}`, PACKAGES)))),
      )
      .map((folder) => {
        const manifest = JSON.parse(readFileSync(new URL(`${folder}/package.json`, PACKAGES), "utf8")) as Manifest;
        return { folder, manifest, sources: new SourceTree(new URL(`${folder}/src/`, PACKAGES)) };
      })
      .filter(({ manifest }) => manifest.private !== true);
    this.byName = new Map(this.packages.map((one) => [one.manifest.name, one]));
  }

  /** Every file as `package/file`, with the files that it imports, types included. */
  files(): ReadonlyMap<string, readonly string[]> {
    return new Map(
      this.packages.flatMap((one) =>
        one.sources.files.map((file) => [`${one.folder}/${file}`, this.importedFiles(one, file)] as const),
      ),
    );
  }

  /** Every package, with the packages of this repository that its sources import. */
  arrows(): ReadonlyMap<string, readonly string[]> {
    return new Map(
      this.packages.map((one) => {
        const names = one.sources.files.flatMap((file) => one.sources.importedPackages(file).map(packageOf));
        const folders = names.flatMap((name) => this.byName.get(name)?.folder ?? []);
        return [one.folder, [...new Set(folders)].toSorted()];
      }),
    );
  }

  private importedFiles({ folder, sources }: HousePackage, file: string): readonly string[] {
    const elsewhere = sources.importedPackages(file).flatMap((target) => {
      const owner = this.byName.get(packageOf(target));
      return owner === undefined ? [] : [`${owner.folder}/${entryOf(owner.manifest, target)}`];
    });
    return [...sources.importedFiles(file).map((one) => `${folder}/${one}`), ...elsewhere];
  }
}

/** The rooms of a package, each with those it imports. Files at the top are no room. */
export function roomsOf(sources: SourceTree): ReadonlyMap<string, readonly string[]> {
  const rooms = new Map<string, Set<string>>();
  for (const file of sources.files.filter((one) => folderOf(one) !== "")) {
    const room = folderOf(file);
    const imported = rooms.get(room) ?? new Set();
    rooms.set(room, imported);
    for (const target of sources.importedFiles(file).map(folderOf))
      if (target !== room && target !== "") imported.add(target);
  }
  return new Map([...rooms].map(([room, imported]) => [room, [...imported].toSorted()]));
}

/** The package of an import: `@scope/name` of `@scope/name/sub/path`. */
export function packageOf(target: string): string {
  return target.split("/", target.startsWith("@") ? 2 : 1).join("/");
}

/** The source behind an entry point: that of its types, as what runs may be bundled. */
function entryOf({ name, exports }: Manifest, target: string): string {
  const entry = exports[`.${target.slice(name.length)}`];
  const file = typeof entry === "string" ? entry : (entry as { readonly types?: string } | undefined)?.types;
  if (file === undefined) throw new Error(`${target}: there is no such entry point`);
  return file.replace(/^\.\/dist\//, "").replace(/\.(?:js|d\.ts)$/, ".ts");
}
