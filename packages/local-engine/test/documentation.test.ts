import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { cleanUp } from "./support/engine.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const guide = readFileSync(`${root}docs/operate/local-engine.md`, "utf8");
const DOCUMENTS = [guide, readFileSync(`${root}packages/local-engine/README.md`, "utf8")];

const source = (file: string): string => readFileSync(`${root}packages/local-engine/src/${file}`, "utf8");

it("the examples compile strictly, and run as they are printed", () => {
  // Within the workspace, so that the package is found by its name.
  const folder = `${root}.cache/documentation-local-engine`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cleanUp(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const examples = DOCUMENTS.flatMap((text) =>
    [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code ?? ""),
  );
  expect(examples).toHaveLength(5);
  const compilerOptions = { module: "NodeNext", target: "ES2022", strict: true, types: ["node"], outDir: "out" };
  writeFileSync(`${folder}/package.json`, JSON.stringify({ type: "module" }));
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  for (const [index, code] of examples.entries()) {
    // A port of its own, and an end.
    const closed = code.includes("engine.close()") ? code : `${code}\nawait engine.close();\n`;
    writeFileSync(`${folder}/example-${index}.ts`, closed.replace("7070", "0").replace("engine.db", `${index}.db`));
  }
  const compiled = spawnSync(process.execPath, [`${root}node_modules/.bin/tsc`, "-p", folder], { encoding: "utf8" });
  expect(compiled.stdout).toBe("");
  for (const index of examples.keys()) {
    const ran = spawnSync(process.execPath, [`out/example-${index}.js`], { cwd: folder, encoding: "utf8" });
    expect(ran.stderr).toBe("");
    expect(ran.status).toBe(0);
  }
});

it("the guide names every option, error and route", () => {
  const options = /interface LocalEngineOptions \{(.*?)^\}/ms.exec(source("options.ts"))?.[1] ?? "";
  const names = [...options.matchAll(/^ {2}readonly (\w+)/gm)].map(([, name]) => name ?? "");
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) expect(guide).toContain(`\`${name}\``);
  const payloads = /interface PayloadOptions \{(.*?)^\}/ms.exec(source("payload-options.ts"))?.[1] ?? "";
  for (const [, name] of payloads.matchAll(/^ {2}readonly (\w+)/gm)) expect(guide).toContain(`\`${name}\``);
  const codes = [...source("errors.ts").matchAll(/^ {2}\| "(\w+)"/gm)].map(([, code]) => code ?? "");
  for (const code of codes) expect(guide).toContain(`\`${code}\``);
  const events = [...source("service/feed.ts").matchAll(/"(activity\.\w+)"/g)].map(([, name]) => name ?? "");
  for (const name of events) expect(guide).toContain(`\`${name}\``);
  for (const route of [
    "/api/health",
    "/api/events",
    "/api/task-queues/{queue}/drain",
    "/api/worker/registrations/{id}",
  ]) {
    expect(guide).toContain(route);
  }
});
