import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PackedPackages } from "@durable-workflow/test-support/packed";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TEMPLATES, VERSIONS } from "../src/init/manifests.js";
import { folderOf, Running, root, run } from "./support/cli.js";
import { shownSchema } from "./support/shown-schema.js";

let packed: PackedPackages;
beforeAll(() => {
  packed = new PackedPackages();
});
afterAll(() => packed.remove());

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const manifestIn = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

/** A folder that the packed command has written, with the packed packages installed. */
function written(template: string): string {
  const cwd = folderOf();
  packed.installInto(cwd);
  const bin = join(cwd, "node_modules/.bin/dw-carrier");
  const { status, stderr } = spawnSync(process.execPath, [bin, "init", "app", "--template", template], {
    cwd,
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
  const folder = join(cwd, "app");
  packed.installInto(folder);
  return folder;
}

/** Each look starts a process. */
const SELDOM = { interval: 100 };

describe.each(TEMPLATES)("the template %s, from the tarballs", (template) => {
  it("passes its own tests and compiles", () => {
    const folder = written(template);
    for (const script of ["test", "typecheck"]) {
      const ended = spawnSync("npm", ["run", "--silent", script], {
        cwd: folder,
        encoding: "utf8",
        shell: process.platform === "win32",
      });
      expect([ended.status, script === "test" ? ended.stderr : ended.stdout]).toEqual([0, ""]);
      if (script === "test") expect(ended.stdout).toMatch(/# fail 0\b/);
    }
    const { scripts } = manifestIn(folder);
    // Every test that it has is run.
    const tests = readdirSync(folder).filter((file) => file.endsWith(".test.ts"));
    for (const file of tests) expect(scripts["test"]).toContain(file);
    for (const name of ["dev", "start", "test"]) expect(scripts).toHaveProperty(name);
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    for (const [, name = ""] of readme.matchAll(/npm run (\w+)/g)) expect(Object.keys(scripts)).toContain(name);
    expect(readme).toMatch(/^# app\n/);
    expect(readFileSync(join(folder, ".gitignore"), "utf8")).toContain(".env");
    if (process.platform !== "win32" && template !== "worker")
      expect(statSync(join(folder, ".env")).mode & 0o777).toBe(0o600);
  });
});

it("an app of a template is attached by its own script, with the token of .env", async () => {
  const folder = written("node");
  const bin = (name: string): string => join(folder, "node_modules/.bin", name);
  const env = { PORT: "0" };
  const server = new Running(process.execPath, [bin("tsx"), "--env-file=.env", "server.ts"], { cwd: folder, env });
  try {
    const [, url = ""] = await server.until(/listening on (\S+)/);
    const args = [bin("dw-carrier"), "dev", url, "--engine-port", "0", "--memory"];
    const dev = new Running(process.execPath, args, { cwd: folder });
    try {
      await dev.until(/greetings\.count/);
      const [, engineUrl = ""] = await dev.until(/engine +(http:\S+)/);
      await expect.poll(() => shownSchema(engineUrl, "greetings.count"), SELDOM).toContain("how many steps");
      const started = await run(["start", "greetings.greet", '["Ada"]'], { cwd: folder });
      expect(started.stdout).toContain('"Hello, Ada"');
    } finally {
      await dev.stop();
    }
  } finally {
    await server.stop("SIGTERM");
  }
});

it("a worker of a template runs what its program starts, on an engine of another process", async () => {
  const folder = written("worker");
  const tsx = join(folder, "node_modules/.bin/tsx");
  const command = join(folder, "node_modules/.bin/dw-carrier");
  const engine = new Running(process.execPath, [command, "engine", "--port", "0", "--memory", "--json"], {
    cwd: folder,
  });
  try {
    const [, url = ""] = await engine.until(/"engineUrl":"([^"]+)"/);
    const env = { DURABLE_WORKFLOW_SERVER_URL: url };
    const worker = new Running(process.execPath, [tsx, "worker.ts"], { cwd: folder, env });
    try {
      await worker.until(/takes activities of the task queue greetings/);
      await expect.poll(() => shownSchema(url, "greetings.greet"), SELDOM).toContain("whom to greet");
      const started = await new Running(process.execPath, [tsx, "start.ts", "Grace"], { cwd: folder, env }).ended;
      expect(started).toEqual({ code: 0, stdout: "Hello, Grace\n", stderr: "" });
    } finally {
      await worker.stop("SIGTERM");
    }
  } finally {
    await engine.stop();
  }
});

describe("dw-carrier init", () => {
  it("touches nothing that is there", async () => {
    const cwd = folderOf({ "app/README.md": "mine", "app/index.ts": "mine too" });
    const { code, stderr } = await run(["init", "app"], { cwd });
    expect([code, stderr]).toEqual([78, expect.stringContaining("README.md is in ")]);
    expect(readdirSync(join(cwd, "app"))).toEqual(["README.md", "index.ts"]);
  });

  it("writes into the working directory, under a name that npm takes", async () => {
    const cwd = folderOf({ "My App!/x": "" });
    const folder = join(cwd, "My App!");
    const { code, stdout } = await run(["init", "--json", "--template", "lambda"], { cwd: folder });
    expect(code).toBe(0);
    const { files } = JSON.parse(stdout) as { files: string[] };
    expect(files).toContain("index.ts");
    for (const file of files) expect(existsSync(join(folder, file)), file).toBe(true);
    expect(manifestIn(folder)).toMatchObject({ name: "my-app-" });
  });

  it.each([
    [["init", "a", "b"], 2],
    [["init", "--template", "rails"], 2],
    [["init", ""], 2],
  ])("%j makes no sense", async (args, code) => {
    expect((await run(args, { cwd: folderOf() })).code).toBe(code);
  });

  it("says what a folder that cannot be made is", async () => {
    const cwd = folderOf();
    writeFileSync(join(cwd, "file"), "");
    const { code, stderr } = await run(["init", "file/below"], { cwd });
    expect([code, stderr]).toEqual([78, expect.stringContaining("cannot be written: a part of its path is a file")]);
  });
});

it("templates want the versions that are tested here", () => {
  const known = [root, join(root, "runtimes")].map(manifestIn);
  const tested = Object.assign(
    {},
    ...known.flatMap(({ dependencies, devDependencies }) => [dependencies, devDependencies]),
  ) as Record<string, string>;
  for (const [name, version] of Object.entries(VERSIONS)) {
    if (name !== "@types/react") expect(tested[name], name).toBe(version);
  }
});
