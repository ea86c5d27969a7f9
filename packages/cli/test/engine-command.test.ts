import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { listen } from "@durable-workflow/test-support/loopback";
import { describe, expect, it, onTestFinished } from "vitest";
import { begin, folderOf, jsonLines, type Running, run } from "./support/cli.js";

const ACTIVITIES = "export const greet = (name) => `Hello, ${name}`;";

async function engineIn(cwd: string, ...args: string[]): Promise<{ engine: Running; url: string }> {
  const engine = begin(["engine", "--port", "0", "--json", ...args], { cwd });
  const [, url = ""] = await engine.until(/"engineUrl":"([^"]+)"/);
  return { engine, url };
}

interface Word {
  readonly command: string;
  readonly control: { readonly port: number; readonly id: string; readonly token: string };
}

const wordIn = (cwd: string): Word => JSON.parse(readFileSync(join(cwd, ".dw/dev.json"), "utf8")) as Word;

describe("dw-carrier engine", () => {
  it("runs an engine that the other commands find, and that dev uses in place of its own", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES, "below/x": "" });
    const { engine, url } = await engineIn(cwd, "--queue", "lamps");
    expect(wordIn(cwd).command).toBe("engine");
    expect((await run(["start", "greet", '["Ada"]', "--id", "g", "--detach"], { cwd: join(cwd, "below") })).code).toBe(
      0,
    );

    const dev = begin(["dev", "a.mjs", "--json"], { cwd });
    await dev.until(/"listening"/);
    await dev.until(/"outcome":"succeeded"/);
    expect(jsonLines(dev.stdout)[0]).toMatchObject({ engineUrl: url, engineFile: null, taskQueue: "lamps" });
    expect((await dev.stop()).code).toBe(0);
    // The word is the engine's own, and stays with it.
    expect(JSON.parse((await run(["show", "g", "--json"], { cwd })).stdout)).toMatchObject({ status: "completed" });

    const second = await run(["engine"], { cwd });
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining("dw-carrier engine runs already on")]);
    expect((await engine.stop()).code).toBe(0);
    expect(existsSync(join(cwd, ".dw/dev.json"))).toBe(false);
  });

  it.each([
    ["below a file", "f/x", "a part of its path is a file"],
    ["where a file is", "f", "something of that name is there already"],
    ["of a name that is too long", "x".repeat(300), "the name is too long"],
  ])("refuses a folder %s in words, as dev does", async (_, data, why) => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES, f: "" });
    for (const command of [
      ["engine", "--port", "0"],
      ["dev", "a.mjs", "--engine-port", "0"],
    ]) {
      const { code, stderr } = await run([...command, "--data", data], { cwd });
      expect(stderr).toContain(`cannot be made: ${why}\nChoose another folder with --data.\n`);
      expect(code).toBe(78);
    }
  });

  it("has tokens from the environment, and then neither page nor a word for others; no address is open without", async () => {
    const cwd = folderOf({});
    const env = { W: "worker-token-1", O: "operator-token-1", A: "admin-token-1" };
    const tokens = ["--worker-token-env", "W", "--operator-token-env", "O", "--admin-token-env", "A"];
    const engine = begin(["engine", "--port", "0", "--json", "--memory", "--host", "0.0.0.0", ...tokens], { cwd, env });
    const [, port = ""] = await engine.until(/"engineUrl":"http:\/\/[^":]+:(\d+)"/);
    const url = `http://127.0.0.1:${port}`;
    expect(existsSync(join(cwd, ".dw/dev.json"))).toBe(false);
    const list = async (variable: string): Promise<number | null> =>
      (await run(["list", "--server", url, "--token-env", variable], { cwd, env })).code;
    expect([await list("O"), await list("A"), await list("W")]).toEqual([0, 0, 78]);
    expect((await fetch(`${url}/`)).status).toBe(404);
    const { code, stdout, stderr } = await engine.stop();
    expect(code).toBe(0);
    expect(stdout + stderr).not.toMatch(/-token-1/);
    expect(jsonLines(stdout)[0]).toMatchObject({ event: "listening", pageUrl: null });

    const open = await run(["engine", "--host", "0.0.0.0"], { cwd, env });
    expect([open.code, open.stderr]).toEqual([2, expect.stringContaining("0.0.0.0 can be reached by others")]);
    const half = await run(["engine", "--worker-token-env", "W"], { cwd, env });
    expect([half.code, half.stderr]).toEqual([2, expect.stringContaining("--operator-token-env")]);
    const unset = await run(["engine", "--worker-token-env", "NONE", "--operator-token-env", "O"], { cwd, env });
    expect([unset.code, unset.stderr]).toEqual([78, expect.stringContaining("NONE, named by --worker-token-env,")]);
  });

  it("is what dispatch, check and doctor connect to, with no token of the environment", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES });
    const { url } = await engineIn(cwd, "--memory");
    const serve = begin(["serve", "a.mjs", "--port", "0", "--json"], { cwd });
    const [, carrier = ""] = await serve.until(/"url":"([^"]+)"/);
    writeFileSync(
      join(cwd, "executor.json"),
      JSON.stringify({
        schema: "durable-workflow.external-executor.config",
        version: 1,
        carriers: { here: { type: "invocable_http", url: carrier } },
        mappings: [
          {
            name: "greet",
            kind: "activity",
            task_queue: "default",
            activity_type: "greet",
            carrier: "here",
            handler: "greet",
          },
        ],
      }),
    );
    const env = { DURABLE_WORKFLOW_AUTH_TOKEN: "meant-for-others" };
    const dispatch = begin(["dispatch", "--config", "executor.json"], { cwd, env });
    await dispatch.until(new RegExp(`engine {2}${url}`));
    const started = await run(["start", "greet", '["Ada"]'], { cwd });
    expect(started.stdout).toContain('"Hello, Ada"');

    const checked = await run(["check", "--config", "executor.json", "--json", "--online"], { cwd, env });
    expect(JSON.parse(checked.stdout)).toMatchObject({
      connection: { serverUrl: { value: url, source: "dev" }, token: { value: null, source: "dev" } },
      online: { engine: { reachable: true } },
    });
    expect((await run(["doctor", "--json"], { cwd, env })).stdout).toContain(`"server":"${url}"`);
    // Another engine that is named goes first.
    const elsewhere = await run(["check", "--config", "executor.json", "--json"], {
      cwd,
      env: { DURABLE_WORKFLOW_SERVER_URL: "https://engine.example.com" },
    });
    expect(JSON.parse(elsewhere.stdout)).toMatchObject({ connection: { serverUrl: { source: "environment" } } });
  });

  it("is looked for above what a command has left that has ended", async () => {
    const above = folderOf({ "below/a.mjs": ACTIVITIES });
    const { url } = await engineIn(above, "--memory");
    const below = join(above, "below");
    mkdirSync(join(below, ".dw"), { mode: 0o700 });
    const left = join(below, ".dw/dev.json");
    writeFileSync(left, JSON.stringify({ url, pid: 2 ** 22 + 1 }), { mode: 0o600 });
    const listed = await run(["list"], { cwd: below });
    expect(listed).toMatchObject({ code: 0, stderr: expect.stringContaining("has ended") as string });
    // What somebody else may have written is not looked past.
    chmodSync(left, 0o666);
    expect((await run(["list"], { cwd: below })).code).toBe(69);
  });

  it("is not taken for another process that has its id and an engine at its port", async () => {
    const engine = createLocalEngine({ file: ":memory:" });
    onTestFinished(() => engine.close());
    const { url } = await engine.listen();
    const other = await listen(createServer((_, response) => response.end('{"id":"another"}')));
    onTestFinished(() => other.close());
    const cwd = folderOf();
    mkdirSync(join(cwd, ".dw"), { mode: 0o700 });
    const control = { port: Number(new URL(other.url).port), id: "mine", token: "secret-control-token" };
    writeFileSync(join(cwd, ".dw/dev.json"), JSON.stringify({ url, pid: process.pid, control }), { mode: 0o600 });
    const { code, stderr } = await run(["backup", "copy.sqlite"], { cwd });
    expect([code, stderr]).toEqual([1, expect.stringContaining("is another one by now")]);
    expect(stderr).not.toContain("secret-control-token");
  });
});

describe("dw-carrier backup", () => {
  it("copies what a running engine has on record, and what is left of one that does not run", async () => {
    const cwd = folderOf();
    const { engine } = await engineIn(cwd);
    for (const id of ["a", "b"]) await run(["start", "greet", "--detach", "--id", id], { cwd });
    const made = await run(["backup", "copy.sqlite", "--json"], { cwd });
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(made.stdout)).toMatchObject({
      file: join(cwd, "copy.sqlite"),
      engineUrl: expect.any(String) as string,
    });
    if (process.platform !== "win32") expect(statSync(join(cwd, "copy.sqlite")).mode & 0o777).toBe(0o600);

    const again = await run(["backup", "copy.sqlite"], { cwd });
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("is there already")]);
    await run(["start", "greet", "--detach", "--id", "c"], { cwd });
    expect((await run(["backup", "copy.sqlite", "--overwrite"], { cwd })).code).toBe(0);
    await engine.stop();

    expect(await idsIn(join(cwd, "copy.sqlite"))).toEqual(["a", "b", "c"]);
    const closed = await run(["backup", "closed.sqlite"], { cwd });
    expect(closed).toMatchObject({ code: 0, stdout: "The copy is in closed.sqlite.\n" });
    expect(await idsIn(join(cwd, "closed.sqlite"))).toEqual(["a", "b", "c"]);
  });

  it("is told when there is nothing to copy", async () => {
    const { code, stderr } = await run(["backup", "x.sqlite"], { cwd: folderOf() });
    expect([code, stderr]).toEqual([1, expect.stringContaining("there is nothing to copy")]);
  });

  it("is made for who can read the word of the command, and for nobody else", async () => {
    const cwd = folderOf();
    await engineIn(cwd, "--memory");
    const { port, token } = wordIn(cwd).control;
    const ask = async (headers: Record<string, string>) =>
      (
        await fetch(`http://127.0.0.1:${port}/backup`, {
          method: "POST",
          headers,
          body: JSON.stringify({ file: join(cwd, "stolen") }),
        })
      ).status;
    expect(await ask({})).toBe(401);
    expect(await ask({ authorization: `Bearer ${token}x` })).toBe(401);
    expect(await ask({ authorization: `Bearer ${token}`, origin: "http://evil.test" })).toBe(403);
    expect(existsSync(join(cwd, "stolen"))).toBe(false);
    expect(await ask({ authorization: `Bearer ${token}` })).toBe(200);
    expect(existsSync(join(cwd, "stolen"))).toBe(true);
  });
});

async function idsIn(file: string): Promise<readonly string[]> {
  const engine = createLocalEngine({ file });
  try {
    const { url } = await engine.listen();
    const { stdout } = await run(["list", "--json", "--server", url]);
    return jsonLines(stdout)
      .map(({ id }) => String(id))
      .toSorted();
  } finally {
    await engine.close();
  }
}
