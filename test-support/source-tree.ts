import { readdirSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export interface Import {
  /** As it is written: `./x.js`, `node:fs`, `undici`. */
  readonly target: string;
  /** The file of the same tree that it names, as in `net/x.ts`; undefined for packages. */
  readonly file: string | undefined;
}

/** The sources of a package without their tests, as the tests of its layers read them. */
export class SourceTree {
  /** Paths below the folder, with `/`. */
  readonly files: readonly string[];
  private readonly root: string;
  private readonly texts = new Map<string, string>();

  /** @param src the folder, as in `new URL("../src/", import.meta.url)` */
  constructor(src: URL) {
    this.root = fileURLToPath(src);
    this.files = readdirSync(this.root, { recursive: true, encoding: "utf8" })
      .map((file) => file.replaceAll("\\", "/"))
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
      .toSorted();
  }

  source(file: string): string {
    const text = this.texts.get(file) ?? readFileSync(this.root + file, "utf8");
    this.texts.set(file, text);
    return text;
  }

  /** The code without comments: prose may name what code may not. */
  code(file: string): string {
    return this.source(file).replaceAll(/\/\*[^]*?\*\/|(?<![:\\])\/\/[^\n]*$/gm, "");
  }

  /** Whatever a file names: values and types, by `import`, `export ... from` and `import()`. */
  imports(file: string): readonly Import[] {
    return [...this.code(file).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map(([, target = ""]) => ({
      target,
      file: target.startsWith(".") ? this.resolved(file, target) : undefined,
    }));
  }

  /** Chains of files, each of which names the next, that end where they begin. Empty where there are none. */
  circles(): readonly string[] {
    const found: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, way: readonly string[]): void => {
      const at = way.indexOf(file);
      if (at >= 0) found.push([...way.slice(at), file].join(" -> "));
      if (at >= 0 || done.has(file)) return;
      for (const named of this.imports(file)) if (named.file !== undefined) visit(named.file, [...way, file]);
      done.add(file);
    };
    for (const file of this.files) visit(file, []);
    return found;
  }

  private resolved(file: string, target: string): string {
    return relative(this.root, resolve(dirname(this.root + file), target))
      .replaceAll("\\", "/")
      .replace(/\.js$/, ".ts");
  }
}

/** The folder of a file, or of several nested ones the deepest that is listed; empty for a file at the top. */
export function roomOf(file: string, rooms: readonly string[]): string {
  const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : "";
  const inside = rooms.filter((room) => folder === room || folder.startsWith(`${room}/`));
  return inside.toSorted((left, right) => right.length - left.length)[0] ?? folder;
}
