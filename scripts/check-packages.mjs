// npm run check:packages: packs each public package and checks the tarball as its users will meet it: publint,
// are-the-types-wrong, and the types and an import of every entry point.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { root, run, runBin } from "./lib.mjs";

let failed = false;
function check(name, ok) {
  console.log(`${name}: ${ok ? "ok" : "FAILED"}`);
  failed ||= !ok;
}

function link(name, modules) {
  mkdirSync(dirname(join(modules, name)), { recursive: true });
  symlinkSync(`${root}node_modules/${name}`, join(modules, name), "dir");
}

/** The packages that a file of a package imports, those behind its relative imports included. */
function importsOf(file, seen = new Set()) {
  if (seen.has(file)) return [];
  seen.add(file);
  // Examples in docstrings import files that are not there.
  const code = readFileSync(file, "utf8").replaceAll(/\/\*[^]*?\*\//g, "");
  const targets = [...code.matchAll(/(?:from|import) ?\(?"([^"]+)"/g)].map(([, target]) => target);
  return targets.flatMap((target) => {
    if (!target.startsWith(".")) return [target];
    const source = join(dirname(file), target);
    return importsOf(file.endsWith(".d.ts") ? source.replace(/\.js$/, ".d.ts") : source, seen);
  });
}

/** Whether a file is a compiled source. The inspector's page is one bundle for browsers; its sources are in the repository. */
function isOwnScript(path) {
  return path.startsWith("dist/") && !path.startsWith("dist/page/") && path.endsWith(".js");
}

/** The sources that a map names, and neither holds nor has beside it in the package. */
function missingSources(map, paths, installed) {
  const { sources, sourcesContent = [] } = JSON.parse(readFileSync(join(installed, map), "utf8"));
  return sources.filter(
    (source, i) => typeof sourcesContent[i] !== "string" && !paths.has(posix.join(posix.dirname(map), source)),
  );
}

/** Packages whose modules are read as they are: `tsc` leaves nothing out of them but types. */
const WITHOUT_MAPS = new Set(["inspector"]);

/** Whether a module does nothing but to hand names of others on: there is nothing in it that a map could lead to. */
function holdsNames(file) {
  const code = readFileSync(file, "utf8");
  return /^(?:(?:import|export) \{[^}]*\}(?: from "[^"]+")?;\s*|\/\/.*\s*)*$/.test(code);
}

// ES modules can be required since Node 20.19 and 22.12.
const canRequire = process.features.require_module === true;

const work = mkdtempSync(join(tmpdir(), "carrier-pack-"));
for (const folder of readdirSync(`${root}packages`)) {
  const manifest = JSON.parse(readFileSync(`${root}packages/${folder}/package.json`, "utf8"));
  if (manifest.private) continue;
  const packed = spawnSync("npm", ["pack", "--json", "--pack-destination", work, "--workspace", manifest.name], {
    cwd: root,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  const report = JSON.parse(packed.stdout);
  // npm 11 and older list packages, newer ones name them.
  const { filename, files } = Object.values(report)[0];
  const tarball = join(work, filename);
  // The projects that dw-carrier init writes come with their own tests.
  const built = files.filter(({ path }) => !path.startsWith("templates/"));
  const strays = built.filter(({ path }) => /\.test\.|tsbuildinfo|\/test\//.test(path));
  check(`${manifest.name} holds no tests (${files.length} files)`, strays.length === 0);
  const paths = new Set(files.map(({ path }) => path));
  const scripts = [...paths].filter((path) => isOwnScript(path));
  const doors = Object.keys(manifest.exports).filter((entry) => !entry.endsWith(".json"));
  check(`${manifest.name} brings its changelog`, paths.has("CHANGELOG.md"));
  check(`${manifest.name} has no runtime dependency`, folder !== "carrier" || manifest.dependencies === undefined);
  check("publint", runBin("publint", ["run", tarball, "--strict"]));
  check(
    "are the types wrong",
    runBin("attw", [tarball, "--profile", "esm-only", "--exclude-entrypoints", "schemas", "--quiet"]),
  );

  const consumer = join(work, `consumer-${folder}`);
  const installed = join(consumer, "node_modules", manifest.name);
  mkdirSync(installed, { recursive: true });
  run("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
  const maps = [...paths].filter((path) => path.endsWith(".map"));
  const astray = maps.filter((path) => missingSources(path, paths, installed).length > 0);
  check(`${manifest.name} brings the sources of its maps (${maps.length})`, astray.length === 0);
  if (WITHOUT_MAPS.has(folder)) {
    const mapped = scripts.filter((path) =>
      readFileSync(join(installed, path), "utf8").includes("\n//# sourceMappingURL="),
    );
    check(`${manifest.name} names no maps`, maps.length === 0 && mapped.length === 0);
  } else if (doors.length > 0) {
    const unmapped = scripts.filter((path) => !paths.has(`${path}.map`) && !holdsNames(join(installed, path)));
    check(`${manifest.name} brings source maps`, scripts.length > 0 && unmapped.length === 0);
  } else {
    // Nobody imports it: maps and types would only make it larger.
    const extra = [...paths].filter((path) => /\.(?:map|d\.ts)$/.test(path) && path.startsWith("dist/"));
    check(`${manifest.name} brings neither maps nor types`, extra.length === 0);
  }
  const needed = Object.keys(manifest.dependencies ?? {});
  for (const name of ["@types/node", "undici-types", ...needed]) link(name, join(consumer, "node_modules"));
  writeFileSync(join(consumer, "package.json"), JSON.stringify({ type: "module" }));
  const compilerOptions = {
    module: "NodeNext",
    target: "ES2022",
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    types: ["node"],
  };
  writeFileSync(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
  /** Checks entry points as one program of a consumer uses them. */
  const use = (entries, which) => {
    const lines = entries.map((entry, i) => `import * as entry${i} from "${manifest.name}${entry.slice(1)}";`);
    lines.push(`console.log([${entries.map((_, i) => `entry${i}`).join(", ")}].length);\n`);
    writeFileSync(join(consumer, "use.ts"), lines.join("\n"));
    writeFileSync(join(consumer, "use.js"), lines.join("\n"));
    check(`types of ${which}`, runBin("tsc", ["-p", consumer]));
    check(`${which} imports`, run(process.execPath, [join(consumer, "use.js")]));
    if (!canRequire) return;
    const required = entries.map((entry) => `require("${manifest.name}${entry.slice(1)}");`);
    writeFileSync(join(consumer, "use.cjs"), required.join("\n"));
    check(`${which} is required`, run(process.execPath, ["--no-warnings", join(consumer, "use.cjs")]));
  };

  for (const [name, file] of Object.entries(manifest.bin ?? {})) {
    const { status, stdout } = spawnSync(process.execPath, [join(installed, file), "--help"], { encoding: "utf8" });
    check(`${name} --help`, status === 0 && stdout.includes(name));
  }

  const peers = Object.keys(manifest.peerDependencies ?? {});
  /** Whether an entry point, or its types, wants a package that its users bring along. */
  const wantsPeer = (entry) =>
    Object.values(manifest.exports[entry])
      .flatMap((file) => importsOf(join(installed, file)))
      .some((target) => peers.includes(target));
  check(
    "every peer is optional",
    peers.every((peer) => manifest.peerDependenciesMeta?.[peer]?.optional === true),
  );
  use(
    doors.filter((entry) => !wantsPeer(entry)),
    peers.length === 0 ? "every entry point" : "every entry point that needs no peer, without peers",
  );
  if (peers.length > 0) {
    for (const peer of peers) link(peer, join(consumer, "node_modules"));
    use(doors, "every entry point, with peers");
  }
}
rmSync(work, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;
