import { readdirSync, readFileSync } from "node:fs";
import { dirname, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { type Import, importsIn, withoutComments } from "./code.js";

/** What a file names: a file of its own tree, or a package. */
export interface NamedModule extends Import {
  /** The file, from `src` on; undefined for packages. */
  readonly file: string | undefined;
}

/** The sources of one package, without its tests; files are named from `src` on, with `/`. */
export class SourceTree {
  readonly files: readonly string[];
  private readonly root: string;
  private readonly read = new Map<string, { readonly code: string; readonly imports: readonly NamedModule[] }>();

  /** @param root the URL of the folder, ending with `/`: `new URL("../src/", import.meta.url)` */
  constructor(root: URL) {
    this.root = fileURLToPath(root);
    this.files = readdirSync(this.root, { recursive: true, encoding: "utf8" })
      .map((file) => file.replaceAll("\\", "/"))
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
      .toSorted();
  }

  /** The source without its comments. */
  code(file: string): string {
    return this.load(file).code;
  }

  /** All that a file names another module by, types included. */
  imports(file: string): readonly NamedModule[] {
    return this.load(file).imports;
  }

  targets(file: string): readonly string[] {
    return this.imports(file).map(({ target }) => target);
  }

  /** The files of this tree that a file imports, types included. */
  importedFiles(file: string): readonly string[] {
    return this.imports(file).flatMap(({ file: named }) => (named === undefined ? [] : [named]));
  }

  /** What a file imports that is not of this tree. */
  importedPackages(file: string): readonly string[] {
    return this.imports(file).flatMap(({ file: named, target }) => (named === undefined ? [target] : []));
  }

  /** What is left of a file that only re-exports: nothing. */
  besideExports(file: string): string {
    return this.code(file)
      .replaceAll(/export (?:type )?(?:\*|\{[^}]*\}) from "[^"]+";/g, "")
      .trim();
  }

  private load(file: string): { readonly code: string; readonly imports: readonly NamedModule[] } {
    const known = this.read.get(file);
    if (known !== undefined) return known;
    const text = readFileSync(this.root + file, "utf8");
    const imports = importsIn(text).map(({ target, typeOnly }) => ({
      target,
      typeOnly,
      file: fileNamed(file, target),
    }));
    const loaded = { code: withoutComments(text), imports };
    this.read.set(file, loaded);
    return loaded;
  }
}

/** The first folder of a file, `""` for one at the top: its room. */
export function folderOf(file: string): string {
  return file.includes("/") ? (file.split("/")[0] ?? "") : "";
}

/**
 * The room of a file where rooms may be nested: the deepest folder that is listed, else the folder itself; `""` for a file at
 * the top.
 */
export function roomOf(file: string, rooms: readonly string[]): string {
  const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : "";
  const around = rooms.filter((room) => folder === room || folder.startsWith(`${room}/`));
  return around.toSorted((one, other) => other.length - one.length)[0] ?? folder;
}

function fileNamed(from: string, target: string): string | undefined {
  return target.startsWith(".") ? posix.join(dirname(from), target).replace(/\.js$/, ".ts") : undefined;
}
