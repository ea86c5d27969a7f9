// What a package's doors export, read from the declaration files that the compiler wrote.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./lib.mjs";

/** The doors of a package that have declarations: `{ path: ".", file: ".../index.d.ts" }`, sorted. */
export function doorsOf(folder) {
  const { exports = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Object.entries(exports)
    .filter(([, target]) => typeof target === "object" && typeof target.types === "string")
    .map(([path, { types }]) => ({ path, file: join(folder, types) }))
    .toSorted((left, right) => (left.path < right.path ? -1 : 1));
}

/** The names that a declaration file exports, each with `value` or `type`. */
export function exportsOf(file, seen = new Set()) {
  const names = new Map();
  if (seen.has(file)) return names;
  const inside = new Set([...seen, file]);
  const text = readFileSync(file, "utf8").replaceAll(/\/\*.*?\*\//gs, "");
  const add = (name, kind) => {
    if (kind === "value" || !names.has(name)) names.set(name, kind);
  };
  const declaration =
    /^export (?:declare )?(?:abstract )?(const|let|var|function|class|enum|interface|type|namespace) ([\w$]+)/gm;
  for (const [, keyword, name] of text.matchAll(declaration)) {
    add(name, keyword === "interface" || keyword === "type" ? "type" : "value");
  }
  if (/^export default /m.test(text)) add("default", "value");
  for (const [, type, list, from] of text.matchAll(/^export (type )?\{([^}]*)\}(?: from "([^"]+)")?;/gm)) {
    const source = from?.startsWith(".") === true ? exportsOf(declarationOf(file, from), inside) : undefined;
    for (const item of list.split(",").map((part) => part.trim())) {
      if (item === "") continue;
      const [, own, local, , alias] = /^(type )?([\w$]+)( as ([\w$]+))?$/.exec(item) ?? [];
      if (local === undefined) throw new Error(`${file}: cannot read the export "${item}"`);
      const kind = type !== undefined || own !== undefined ? "type" : (source?.get(local) ?? "value");
      add(alias ?? local, kind);
    }
  }
  for (const [, type, namespace, from] of text.matchAll(/^export (type )?\*(?: as ([\w$]+))? from "([^"]+)";/gm)) {
    if (namespace !== undefined) {
      add(namespace, "value");
      continue;
    }
    for (const [name, kind] of exportsOf(declarationOf(file, from), inside)) {
      if (name !== "default") add(name, type === undefined ? kind : "type");
    }
  }
  return names;
}

function declarationOf(file, specifier) {
  const [, name, door] = /^@durable-workflow\/([\w-]+)(.*)$/.exec(specifier) ?? [];
  if (name !== undefined) return doorsOf(`${root}packages/${name}`).find(({ path }) => path === `.${door}`).file;
  return join(dirname(file), specifier.replace(/\.js$/, ".d.ts"));
}

/** The report of a package: its doors, and what each exports, sorted. */
export function reportOf(name, folder) {
  const doors = doorsOf(folder).map(({ path, file }) => {
    const names = [...exportsOf(file)].toSorted(([left], [right]) => (left < right ? -1 : 1));
    const lines = names.map(([exported, kind]) => `${kind.padEnd(5)} ${exported}\n`);
    return `\n## ${path === "." ? name : name + path.slice(1)} (${names.length})\n\n${lines.join("")}`;
  });
  return `# What ${name} exports, by door. Written by: npm run check:api -- --write\n${doors.join("")}`;
}
