import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CliError, EXIT } from "../../shell/command.js";

export interface LoadedModule {
  readonly file: string;
  readonly exports: Readonly<Record<string, unknown>>;
  /** The files it was read from, those of packages apart. Known only where it was loaded afresh. */
  readonly sources: readonly string[];
}

/** The CommonJS modules of this process, by path. */
const { cache } = createRequire(import.meta.url);

const TYPESCRIPT = new Set([".ts", ".mts", ".cts", ".tsx"]);
const JAVASCRIPT = new Set([".js", ".mjs", ".cjs", ".jsx"]);

const TOP_LEVEL_AWAIT =
  'Only ES modules can await at their top level: put "type": "module" into package.json, or name it .mts.';

/**
 * Imports a module. JavaScript is imported as Node does it; TypeScript goes through a loader, so that every Node reads it
 * alike: imports of `./x.js` that mean `x.ts`, enums, and by the tsconfig nearest to it, wherever the command runs, `paths`
 * and decorators. That tsconfig counts for what it imports too, where its `include` says so. Types are not checked.
 *
 * @param file an absolute path
 * @param options.afresh through the loader whatever it is, and with its imports read again
 * @throws {CliError} with exit code 78 for a file that is not there, does not compile, or throws
 */
export async function loadModule(file: string, { afresh }: { readonly afresh: boolean }): Promise<LoadedModule> {
  const extension = extname(file);
  if (!TYPESCRIPT.has(extension) && !JAVASCRIPT.has(extension)) {
    throw new CliError(
      EXIT.config,
      `${file} is not a module: its name must end in ${[...TYPESCRIPT, ...JAVASCRIPT].join(", ")}`,
    );
  }
  if (!existsSync(file)) throw new CliError(EXIT.config, `there is no file ${file}`);
  try {
    if (!afresh && JAVASCRIPT.has(extension) && extension !== ".jsx") {
      return { file, exports: unwrap(await import(pathToFileURL(file).href)), sources: [] };
    }
    return await loadWithLoader(file);
  } catch (error) {
    const said = describe(error);
    const hint = /top-level await/i.test(said) ? TOP_LEVEL_AWAIT : whereItFailed(error);
    throw new CliError(EXIT.config, `${file} cannot be loaded: ${said}`, hint);
  }
}

async function loadWithLoader(file: string): Promise<LoadedModule> {
  // Stack traces then name lines of what the user wrote.
  process.setSourceMapsEnabled(true);
  const sources = new Set([file]);
  // CommonJS modules are kept, even those of an import that is new.
  for (const key of Object.keys(cache)) if (isOwn(key)) delete cache[key];
  const exports = isEsModule(file) ? await importEsModule(file, sources) : await requireCommonJs(file);
  for (const key of Object.keys(cache)) if (isOwn(key)) sources.add(key.replace(/\?.*$/, ""));
  return { file, exports: unwrap(exports), sources: [...sources].filter((source) => existsSync(source)) };
}

/** Loaded late, as is the other: it costs a tenth of a second, and who serves JavaScript has no use for it. */
async function importEsModule(file: string, sources: Set<string>): Promise<unknown> {
  const { tsImport } = await import("tsx/esm/api");
  const tsconfig = nearest(file, "tsconfig.json");
  return tsImport(pathToFileURL(file).href, {
    parentURL: import.meta.url,
    ...(tsconfig === undefined ? {} : { tsconfig }),
    onImport: (url) => {
      if (url.startsWith("file:") && isOwn(url)) sources.add(fileURLToPath(url.replace(/[?#].*$/, "")));
    },
  });
}

/** The loaders of CommonJS modules, by tsconfig: each reads its own once, when it is made. */
const loaders = new Map<string | undefined, { require(id: string, from: string): unknown }>();

async function requireCommonJs(file: string): Promise<unknown> {
  const tsconfig = nearest(file, "tsconfig.json");
  let loader = loaders.get(tsconfig);
  if (loader === undefined) {
    const { register } = await import("tsx/cjs/api");
    loader = withVariable(TSCONFIG_VARIABLE, tsconfig, () => register({ namespace: `dw-${loaders.size}` }));
    loaders.set(tsconfig, loader);
  }
  return loader.require(file, import.meta.url);
}

/** The only way to tell the loader of CommonJS modules. */
const TSCONFIG_VARIABLE = "TSX_TSCONFIG_PATH";

function withVariable<T>(name: string, value: string | undefined, run: () => T): T {
  const { [name]: before } = process.env;
  if (value !== undefined) process.env[name] = value;
  try {
    return run();
  } finally {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
}

/** Whether Node takes a file for an ES module, by its name and the nearest package.json. */
function isEsModule(file: string): boolean {
  const extension = extname(file);
  if (extension === ".mts" || extension === ".mjs") return true;
  if (extension === ".cts" || extension === ".cjs") return false;
  const manifest = nearest(file, "package.json");
  return manifest !== undefined && typeOfPackage(manifest) === "module";
}

/** The file of that name in the folder of another, or the nearest one above it. */
function nearest(file: string, name: string): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const path = join(folder, name);
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return undefined;
  }
}

function typeOfPackage(manifest: string): unknown {
  try {
    return (JSON.parse(readFileSync(manifest, "utf8")) as { readonly type?: unknown }).type;
  } catch {
    return undefined;
  }
}

function isOwn(path: string): boolean {
  return !/[\\/]node_modules[\\/]/.test(path) && !path.startsWith("data:");
}

/** The exports of a module that was compiled to CommonJS are those of its `module.exports`. */
function unwrap(namespace: unknown): Readonly<Record<string, unknown>> {
  const exports = namespace as Readonly<Record<string, unknown>>;
  const inner = exports["default"];
  const isCompiled = typeof inner === "object" && inner !== null && "__esModule" in inner;
  return isCompiled ? inner : exports;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `it throws ${String(error)}`;
  const [message = ""] = error.message.split("\nRequire stack:");
  return `${error.name}: ${message.replaceAll(/\?namespace=[\w-]+/g, "")}`;
}

/** The line of the user's own code at which it failed, without the rest of the stack. */
function whereItFailed(error: unknown): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const frame = stack.split("\n").find((line) => /^\s+at /.test(line) && isOwn(line) && !/node:|\bdata:/.test(line));
  return frame
    ?.trim()
    .replaceAll(/\?namespace=[\w-]+/g, "")
    .replaceAll(/file:\/\/[^\s)]*?(?=(?::\d+){0,2}(?:\)|$))/g, (url) => pathOf(url));
}

/** On Windows the path of a URL is not its text without `file://`. */
function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}
