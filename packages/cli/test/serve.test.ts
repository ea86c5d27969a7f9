import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildTaskInput, carrierClient } from "@durable-workflow/carrier/testing";
import { describe, expect, it } from "vitest";
import { begin, folderOf, jsonLines, Running, root, run } from "./support/cli.js";

const GREET = `
import { prefix } from "./prefix.js";
export enum Tone { Calm = "." }
export interface Unused { readonly a: number }
export class NoActivity {}
export const version: number = 3;
export function greet(name: string): string { return prefix + name + Tone.Calm; }
export async function fail(): Promise<never> { throw new Error("no such luck"); }
`;
const PREFIX = 'export const prefix: string = "Hello, ";';

async function listening(running: Running): Promise<string> {
  const [, url = ""] = await running.until(/"url":"(http:[^"]+)"/);
  return url;
}

function typesOf(started: Readonly<Record<string, unknown>> | undefined): readonly string[] {
  const { activities = [] } = (started ?? {}) as { readonly activities?: readonly { readonly type: string }[] };
  return activities.map(({ type }) => type);
}

const serve = (cwd: string, ...args: string[]): Running => begin(["serve", "--port", "0", "--json", ...args], { cwd });

describe("what a module exports", () => {
  it.each([
    ["a folder without package.json", "activities.ts", {}],
    ["an ES module package", "activities.ts", { "package.json": '{"type":"module"}' }],
    ["an .mts file", "activities.mts", {}],
  ])("TypeScript runs without a build: %s", async (_, file, others) => {
    const cwd = folderOf({ [file]: GREET, "prefix.ts": PREFIX, ...others });
    const running = serve(cwd, file);
    const client = carrierClient(await listening(running));
    expect(await client.call("greet", ["Ada"])).toBe("Hello, Ada.");
    const [started] = jsonLines(running.stdout);
    expect(typesOf(started).toSorted()).toEqual(["fail", "greet"]);
    expect((await running.stop()).code).toBe(0);
  });

  it.each<[string, string, string, readonly string[]]>([
    [
      "an object",
      "a.mjs",
      'export default { "x.one": () => 1, two: () => 2 }; export const ignored = () => 3;',
      ["x.one", "two"],
    ],
    ["a Map", "a.mjs", 'export default new Map([["one", () => 1]]);', ["one"]],
    ["a list", "a.mjs", "function one() { return 1; } export default [one];", ["one"]],
    ["CommonJS", "a.cjs", "exports.one = () => 1; exports.two = () => 2;", ["one", "two"]],
    [
      "CommonJS that was compiled",
      "a.cjs",
      'Object.defineProperty(exports, "__esModule", { value: true }); exports.one = () => 1; exports.default = { two: () => 2 };',
      ["two"],
    ],
    [
      "definitions beside a default export",
      "a.ts",
      'import { defineActivity } from "@durable-workflow/carrier"; export const slow = defineActivity({ name: "x.slow", run: () => 1 }); export const later = defineActivity({ run: () => 1 }); export default { one: () => 1, slow };',
      ["one", "x.slow", "later"],
    ],
    [
      "a handler",
      "a.ts",
      'import { InvocableActivityHandler } from "@durable-workflow/carrier"; export default new InvocableActivityHandler({ one: () => 1 }, { carrier: "mine" });',
      ["one"],
    ],
  ])("%s", async (_, file, text, types) => {
    const cwd = folderOf({ [file]: text });
    const linked = text.includes("@durable-workflow") ? linkLibrary(cwd) : cwd;
    const running = serve(linked, file);
    await listening(running);
    const [started] = jsonLines(running.stdout);
    expect(typesOf(started)).toEqual(types);
  });

  it.each([
    [
      "nothing",
      "export const x = 1;",
      /^dw-carrier: there are no activities in \S+a\.mjs: it exports x, and none of it is an activity\nExport/,
    ],
    [
      "no function",
      "export default { greet: 5 };",
      /the activity greet must be a function or made by defineActivity, got 5/,
    ],
    ["a number", "export default 7;", /the default export of \S+a\.mjs is a number, not activities/],
    ["a syntax error", "export default {", /a\.mjs cannot be loaded: SyntaxError: /],
    ["an error", 'throw new Error("no database");', /a\.mjs cannot be loaded: Error: no database\nat \S*a\.mjs:1:7/],
    [
      "an import that is missing",
      'import "./missing.js"; export const a = () => 1;',
      /a\.mjs cannot be loaded: .*missing\.js/,
    ],
  ])("that exports %s is refused, with 78 and no stack trace", async (_, text, message) => {
    const { code, stdout, stderr } = await run(["serve", "a.mjs"], { cwd: folderOf({ "a.mjs": text }) });
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/node:internal|\n {4}at /);
  });

  it("names both files that have the same type, and a file that is not there", async () => {
    const cwd = folderOf({ "a.mjs": "export const one = () => 1;", "b.mjs": "export const one = () => 2;" });
    const { code, stderr } = await run(["serve", "a.mjs", "b.mjs"], { cwd });
    expect(code).toBe(78);
    expect(stderr).toMatch(/a\.mjs and \S+b\.mjs each have an activity of the type one/);
    expect(await run(["serve", "c.mjs"], { cwd })).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("c.mjs") as string,
    });
  });
});

describe("while it runs", () => {
  it("prints address, activities, a curl command that works, and a line for each task", async () => {
    const cwd = folderOf({
      "a.mjs": `export const now = () => "it's now"; export const fail = () => { throw new Error("no such luck"); };`,
    });
    const running = begin(["serve", "a.mjs", "--port", "0"], { cwd });
    const [curl = ""] = await running.until(/curl -s .*/);
    expect(running.stdout).toMatch(
      /^The carrier listens on http:\/\/127\.0\.0\.1:\d+\/\n\n {2}fail {2}a\.mjs\n {2}now {3}a\.mjs\n/,
    );
    const answer = await new Running("sh", ["-c", curl.replace("fail", "now")], { cwd }).ended;
    expect(JSON.parse(answer.stdout)).toMatchObject({ outcome: { status: "succeeded" } });
    await running.until(/^\d\d:\d\d:\d\d {2}now {2}attempt 1 {2}succeeded in \d+ ms$/m);
    await new Running("sh", ["-c", curl], { cwd }).ended;
    await running.until(/fail {2}attempt 1 {2}failed in \d+ ms {2}Error: no such luck \(may be retried\)$/m);
  });

  it("--watch uses what was changed, keeps what works, and lets imports of all kinds be changed", async () => {
    const cwd = folderOf({
      "package.json": '{"type":"module"}',
      "a.ts": GREET,
      "prefix.ts": PREFIX,
      "b.js": 'import c from "./c.cjs"; export const count = () => c.count;',
      "c.cjs": "exports.count = 1;",
    });
    const running = serve(cwd, "a.ts", "b.js", "--watch");
    const client = carrierClient(await listening(running));
    expect([await client.call("greet", ["Ada"]), await client.call("count", [])]).toEqual(["Hello, Ada.", 1]);

    writeFileSync(join(cwd, "prefix.ts"), 'export const prefix: string = "Good day, ";');
    await expect.poll(() => client.call("greet", ["Ada"])).toBe("Good day, Ada.");
    writeFileSync(join(cwd, "c.cjs"), "exports.count = 2;");
    await expect.poll(() => client.call("count", [])).toBe(2);

    writeFileSync(join(cwd, "a.ts"), "export const greet = (");
    await running.until(/"event":"reload_failed".*a\.ts cannot be loaded/);
    expect(await client.call("greet", ["Ada"])).toBe("Good day, Ada.");
    writeFileSync(join(cwd, "a.ts"), 'export const greet = () => "mended"; export const more = () => 1;');
    await expect.poll(() => client.call("greet", [])).toBe("mended");
    expect(await client.call("more", [])).toBe(1);
  });

  it("wants the token that it was given, says where that came from, and never shows it", async () => {
    const cwd = folderOf({ "a.mjs": "export const one = () => 1;" });
    const env = { MY_TOKEN: "s3cret-token" };
    const running = begin(["serve", "a.mjs", "--port", "0", "--token-env", "MY_TOKEN", "--host", "0.0.0.0"], {
      cwd,
      env,
    });
    const [, url = ""] = await running.until(/listens on http:\/\/0\.0\.0\.0(\S+)/);
    const local = `http://127.0.0.1${url.replace(",", "")}`;
    expect(await carrierClient(local, { token: "s3cret-token" }).call("one", [])).toBe(1);
    expect((await carrierClient(local).post({})).status).toBe(401);
    await running.until(/POST request answered 401/);
    expect(running.stdout).toContain('-H "authorization: Bearer $MY_TOKEN"');
    expect(running.stdout + running.stderr).not.toContain("s3cret");
  });

  it.each([
    [["--host", "0.0.0.0"], 2, /0\.0\.0\.0 can be reached by others, and without a token/],
    [["--host", "::"], 2, /can be reached by others/],
    [["--token-env", "NOT_SET"], 78, /NOT_SET, named by --token-env, is not set/],
    [["--port", "http"], 2, /--port must be a whole number from 0 to 65535, got http/],
    [["--storage", "s3"], 2, /--storage must be local or local:DIR, got s3/],
  ])("refuses %j", async (args, code, message) => {
    const cwd = folderOf({ "a.mjs": "export const one = () => 1;" });
    const finished = await run(["serve", "a.mjs", ...args], { cwd });
    expect(finished.code).toBe(code);
    expect(finished.stderr).toMatch(message);
  });

  it.each([" \n", "s3cret\ntoken"])("refuses a DW_CARRIER_TOKEN that is %j, and opens no door", async (token) => {
    const cwd = folderOf({ "a.mjs": "export const one = () => 1;" });
    const { code, stdout, stderr } = await run(["serve", "a.mjs"], { cwd, env: { DW_CARRIER_TOKEN: token } });
    expect([code, stdout]).toEqual([78, ""]);
    expect(stderr).toMatch(/^dw-carrier: DW_CARRIER_TOKEN (is not set|holds characters that no token has)/);
  });

  it("takes a DW_CARRIER_TOKEN without the white space around it", async () => {
    const cwd = folderOf({ "a.mjs": "export const one = () => 1;" });
    const running = begin(["serve", "a.mjs", "--port", "0", "--json"], { cwd, env: { DW_CARRIER_TOKEN: "s3cret\n" } });
    expect(await carrierClient(await listening(running), { token: "s3cret" }).call("one", [])).toBe(1);
  });

  it("says that a port is taken", async () => {
    const cwd = folderOf({ "a.mjs": "export const one = () => 1;" });
    const { port } = new URL(await listening(serve(cwd, "a.mjs")));
    const { code, stderr } = await run(["serve", "a.mjs", "--port", port], { cwd });
    expect([code, stderr]).toEqual([
      1,
      `dw-carrier: port ${port} of 127.0.0.1 is in use\nChoose another with --port, or a free one with --port 0.\n`,
    ]);
  });

  it("puts large results into files with --storage local", async () => {
    const cwd = folderOf({ "a.mjs": 'export const large = () => "x".repeat(3_000_000);' });
    const running = serve(cwd, "a.mjs", "--storage", "local:payloads");
    const client = carrierClient(await listening(running));
    const result = await client.send(buildTaskInput({ activityType: "large", args: [] }));
    const uri =
      result.kind === "success"
        ? (result.payload as { external_storage?: { uri?: string } }).external_storage?.uri
        : "";
    expect(uri).toContain(`${cwd}/payloads/`);
  });

  it("lets activities log", async () => {
    const cwd = linkLibrary(
      folderOf({
        "a.mjs":
          'import { defineActivity } from "@durable-workflow/carrier"; export const one = defineActivity({ run: (context) => context.logger.warn({ lamp: 7 }, "It flickers.") });',
      }),
    );
    const running = serve(cwd, "a.mjs");
    await carrierClient(await listening(running)).call("one", []);
    await running.until(/"event":"log","at":"[^"]+","level":"warn","message":"It flickers\.","fields":\{.*"lamp":7/);
  });
});

/** A folder in which the library is installed. */
function linkLibrary(folder: string): string {
  mkdirSync(join(folder, "node_modules", "@durable-workflow"), { recursive: true });
  symlinkSync(join(root, "packages", "carrier"), join(folder, "node_modules", "@durable-workflow", "carrier"), "dir");
  return folder;
}
