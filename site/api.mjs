// Writes the API reference: one page for each door of each package, from the types and comments that users get. Tells every
// exported name without a sentence.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Application, ReflectionKind } from "typedoc";

/** Packages whose doors are for users. */
export const PACKAGES = ["carrier", "client", "worker", "dispatcher", "local-engine", "engine-protocol"];

/** The doors of a package that have types: the name that users import, and the file of its types. */
export function doorsOf(root, folder) {
  const home = join(root, "packages", folder);
  if (!existsSync(join(home, "package.json"))) return [];
  const { name, exports } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  return Object.entries(exports).flatMap(([door, target]) => {
    const types = typesOf(target);
    return types === undefined ? [] : [{ name: door === "." ? name : name + door.slice(1), file: join(home, types) }];
  });
}

function typesOf(target) {
  if (target === null || typeof target !== "object") return undefined;
  if (typeof target.types === "string") return target.types;
  return Object.values(target)
    .map(typesOf)
    .find((types) => types !== undefined);
}

const NAMED =
  ReflectionKind.Class |
  ReflectionKind.Interface |
  ReflectionKind.Function |
  ReflectionKind.Variable |
  ReflectionKind.TypeAlias |
  ReflectionKind.Enum;

function hasSentence(reflection) {
  if (reflection.hasComment()) return true;
  return (reflection.signatures ?? []).some((signature) => signature.hasComment());
}

/** Every exported name of a module that has no sentence of its own. */
function undocumented(module) {
  return (module.children ?? [])
    .filter((child) => child.kindOf(NAMED) && !hasSentence(child))
    .map((child) => `${module.name}: ${child.name}`);
}

/** Writes the pages of all packages into a folder; returns the doors, each with its page, and the names without a sentence. */
export async function writeApi(root, out) {
  const pages = [];
  const silent = [];
  mkdirSync(join(out, "@durable-workflow"), { recursive: true });
  for (const folder of PACKAGES) {
    const doors = doorsOf(root, folder);
    if (doors.length === 0) continue;
    const app = await Application.bootstrapWithPlugins({
      entryPoints: doors.map(({ file }) => file),
      name: `@durable-workflow/${folder}`,
      plugin: ["typedoc-plugin-markdown"],
      out,
      cleanOutputDir: false,
      router: "module",
      entryFileName: "index",
      readme: "none",
      skipErrorChecking: true,
      excludeInternal: true,
      excludePrivate: true,
      disableSources: true,
      sort: ["kind", "alphabetical"],
      logLevel: "Error",
      tsconfig: fileURLToPath(new URL("tsconfig.json", import.meta.url)),
      hidePageHeader: true,
      hideBreadcrumbs: true,
      useCodeBlocks: true,
      useHTMLAnchors: true,
      parametersFormat: "table",
      interfacePropertiesFormat: "table",
      typeAliasPropertiesFormat: "table",
      classPropertiesFormat: "table",
      enumMembersFormat: "table",
      sanitizeComments: true,
    });
    const project = await app.convert();
    if (project === undefined) throw new Error(`typedoc could not read the types of packages/${folder}`);
    // A package with one door is one module itself. Others are in the order of their doors' files.
    const modules = doors.length === 1 ? [project] : (project.children ?? []);
    for (const module of modules) {
      const door = doors.length === 1 ? doors[0] : doors.find(({ file }) => isModuleOf(module, file));
      if (door === undefined) throw new Error(`no door of packages/${folder} leads to ${module.name}`);
      module.name = door.name;
      silent.push(...undocumented(module));
    }
    await app.generateOutputs(project);
    // Its index says nothing more than ours; where there is one door it is that door's page.
    const index = join(out, "index.md");
    if (doors.length === 1) renameSync(index, join(out, `${doors[0].name}.md`));
    else rmSync(index);
    pages.push({ folder, doors: doors.map(({ name }) => name) });
  }
  return { pages, silent };
}

/** Whether a module is what typedoc made of a file: it names modules by their path without what all have in common. */
function isModuleOf(module, file) {
  return (
    file.replace(/\.d\.ts$/, "").endsWith(`/${module.name}`) ||
    file.replace(/\/index\.d\.ts$/, "").endsWith(`/${module.name}`)
  );
}
