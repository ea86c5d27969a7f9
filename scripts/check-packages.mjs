// npm run check:packages: packs each public package and checks the tarball as its users will meet it: publint,
// are-the-types-wrong, and the types and an import of every entry point.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root, run, runBin } from "./lib.mjs";

let failed = false;
function check(name, ok) {
  console.log(`${name}: ${ok ? "ok" : "FAILED"}`);
  failed ||= !ok;
}

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
  const strays = files.filter(({ path }) => /\.test\.|tsbuildinfo|\/test\//.test(path));
  check(`${manifest.name} holds no tests (${files.length} files)`, strays.length === 0);
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
  mkdirSync(join(consumer, "node_modules", "@types"), { recursive: true });
  symlinkSync(`${root}node_modules/@types/node`, join(consumer, "node_modules", "@types", "node"), "dir");
  symlinkSync(`${root}node_modules/undici-types`, join(consumer, "node_modules", "undici-types"), "dir");
  // As an install would put them there; what they need themselves is found where they really are.
  for (const dependency of Object.keys(manifest.dependencies ?? {})) {
    const link = join(consumer, "node_modules", dependency);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(`${root}node_modules/${dependency}`, link, "dir");
  }
  const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith(".json"));
  const lines = entries.map((entry, i) => `import * as entry${i} from "${manifest.name}${entry.slice(1)}";`);
  const uses = entries.map((_, i) => `entry${i}`).join(", ");
  writeFileSync(join(consumer, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(consumer, "use.ts"), `${lines.join("\n")}\nconsole.log([${uses}].length);\n`);
  writeFileSync(join(consumer, "use.js"), `${lines.join("\n")}\nconsole.log([${uses}].length);\n`);
  const compilerOptions = { module: "NodeNext", target: "ES2022", strict: true, noEmit: true, types: ["node"] };
  writeFileSync(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
  check("types", runBin("tsc", ["-p", consumer]));
  check("every entry point imports", run(process.execPath, [join(consumer, "use.js")]));
}
rmSync(work, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;
