import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { everyCommand, commands as listed } from "../src/commands/index.js";
import { CONNECTION_OPTIONS } from "../src/engine/connection.js";
import { begin, folderOf, jsonLines, Running, run } from "./support/cli.js";
import { runHere } from "./support/run-here.js";

const commands = await everyCommand();
const BIN = new URL("../dist/bin.js", import.meta.url).pathname;
/** Told once for all. */
const DOCS = new URL("../../../docs/reference/", import.meta.url);
const COMMON = new Set(Object.keys(CONNECTION_OPTIONS));
const hasScript = spawnSync("script", ["--version"]).status === 0;

describe("every command", () => {
  it.each(commands.map((command) => [command.name, command] as const))(
    "%s has help with examples",
    async (name, command) => {
      for (const args of [
        [name, "--help"],
        ["help", name],
        [name, "x", "-h"],
      ]) {
        const { code, stdout, stderr } = await runHere(args);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expect(stdout).toContain(`Usage: dw-carrier ${name} ${command.usage}`);
        expect(stdout).toMatch(/\nExamples?\n {2}\S*.*dw-carrier /);
        for (const option of Object.keys(command.options)) expect(stdout).toContain(`--${option}`);
      }
    },
  );

  it.each(commands.map(({ name }) => [name]))(
    "%s refuses an option that it does not have, and suggests one",
    async (name) => {
      expect(await runHere([name, "--jsno"])).toEqual({
        code: 2,
        stdout: "",
        stderr: `dw-carrier: ${name} has no option --jsno\nDid you mean --json?\n`,
      });
      const json = await runHere([name, "--json", "--no-such-option"]);
      expect([json.code, json.stderr]).toEqual([2, ""]);
      expect(jsonLines(json.stdout)).toMatchObject([
        { error: { code: "usage", message: `${name} has no option --no-such-option` } },
      ]);
    },
  );

  it.each(commands.map(({ name }) => [name]))("%s says what to do about a line that makes no sense", async (name) => {
    for (const first of ["a", "http://127.0.0.1:9"]) {
      const { code, stdout } = await run([name, first, "b", "c", "d", "--json"], { cwd: folderOf() });
      if (code === 2) expect(jsonLines(stdout).at(-1)).toMatchObject({ error: { hint: expect.any(String) } });
      else expect(code, stdout).toBe(78);
    }
  });

  it("is listed by its own name", () => {
    expect(listed.map(({ name }) => name)).toEqual(commands.map(({ name }) => name));
  });

  it("is told in the documentation, with each of its options", () => {
    const pages = ["cli.md", "cli-tools.md"].map((file) => readFileSync(new URL(file, DOCS), "utf8"));
    for (const { name, options } of commands) {
      const sections = pages.flatMap((page) => page.split(/^## /m));
      const section = sections.find((part) => new RegExp(`^\`dw-carrier ${name}[ \`]`).test(part));
      expect(section, name).toBeDefined();
      for (const option of Object.keys(options).filter((other) => !COMMON.has(other))) {
        expect(section, `${name} --${option}`).toContain(`--${option}`);
      }
    }
  });
});

describe("dw-carrier", () => {
  it("lists its commands, and knows its version", async () => {
    const { code, stdout } = await run(["--help"]);
    expect(code).toBe(0);
    for (const { name, summary } of commands) expect(stdout).toMatch(new RegExp(`\n  ${name} +${summary}`));
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    expect((await run(["--version"])).stdout).toBe(`${version}\n`);
  });

  it.each([
    [[], "no command was given", "dw-carrier --help lists them."],
    [["sevre"], "there is no command sevre", "Did you mean serve?"],
    [["xyzzy"], "there is no command xyzzy", "dw-carrier --help lists what there is."],
    [["--json"], "there is no option --json before the command", "dw-carrier --help lists what there is."],
    [["start"], "TYPE is missing", "Usage: dw-carrier start TYPE [ARGUMENTS] [OPTIONS]; --help tells more."],
    [
      ["start", "t", "--backoff", "1,999999999"],
      "each from 0 to 315360000; got 1,999999999",
      "Usage: dw-carrier start",
    ],
    [["serve", "--port"], "--port needs a value", "dw-carrier serve --help lists its options."],
    [["list", "--limit", "-1"], "--limit needs a value", "a dash is written with an equals sign: --limit=-1"],
    [["serve", "--port", "--watch"], "--port needs a value", "a dash is written with an equals sign: --port=--watch"],
    [["list", "--details=yes"], "--details takes no value", "dw-carrier list --help lists its options."],
    [["start", "t", "--id", "caf\u00e9"], "letters, digits and . _ : -, not . or ..; got caf\u00e9", "Leave it out"],
    [["start", "t", "--id", ".."], "--id must be 1 to 128 letters", "Leave it out"],
    [["retry", "a", "--id", "a/b"], "--id must be 1 to 128 letters", "Leave it out"],
  ])("%j makes no sense", async (args, message, hint) => {
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stdout + stderr).toContain(message);
    expect(stdout + stderr).toContain(hint);
    expect(stdout + stderr).not.toMatch(/\n {4}at /);
  });

  it.each([
    [
      78,
      ["list", "--server", "https://engine.test/api"],
      "(from the flag) must be an http or https URL without user name, password, query, fragment and /api",
      "as in https://engine.example.com",
    ],
    [2, ["dispatch", "--queues", ",", "--types", "a"], "--queues must name one at least", "Usage: dw-carrier dispatch"],
    [2, ["dispatch", "--queues", "a", "--types", " ,"], "--types must name one at least", "Usage: dw-carrier dispatch"],
    [2, ["start", "t", "--non-retryable", ","], "--non-retryable must name one at least", "Usage: dw-carrier start"],
    [
      69,
      ["overview", "--server", "http://127.0.0.1:9"],
      "Is it running, and is the address right?",
      "dw-carrier doctor",
    ],
    [78, ["dispatch", "--config", "none.json"], "unreadable_config", '"basename":"none.json"'],
    [69, ["invoke", "http://127.0.0.1:9", "t"], "gave no answer: nothing listens there", "Is it running"],
    [69, ["conformance", "http://127.0.0.1:9"], "gave no answer: nothing listens there", "Is it running"],
  ])("ends with %i for %j, and says what to do", async (code, args, message, hint) => {
    const ended = await run(args);
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(message)]);
    expect(ended.stderr).toContain(hint);
  });

  it("leaves without a word when its reader has seen enough", async () => {
    const { code, stderr } = await new Running("sh", ["-c", `"${process.execPath}" "${BIN}" --help | true`]).ended;
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("lets what runs end at Ctrl-C, for as long as it has, and ends at once at the second", async () => {
    const cwd = folderOf({
      "a.mjs": `const running = (ms) => {
          console.log("it runs");
          return new Promise((resolve) => setTimeout(resolve, ms));
        };
        export const soon = () => running(500);
        export const wait = () => running(3_600_000);`,
    });
    const serving = async (type: string, ...args: string[]) => {
      const serve = begin(["serve", "a.mjs", "--port", "0", ...args], { cwd });
      const [curl = ""] = await serve.until(/curl -s .*/);
      const asked = new Running("sh", ["-c", curl.replace('"handler":"soon"', `"handler":"${type}"`)]).ended;
      await serve.until(/it runs/);
      return { serve, asked };
    };
    const patient = await serving("soon");
    expect((await patient.serve.stop()).code).toBe(0);
    expect((await patient.asked).stdout).toContain('"status":"succeeded"');

    const hasty = await serving("wait", "--grace", "0");
    expect((await hasty.serve.stop()).code).toBe(0);
    expect((await hasty.asked).stdout).toContain("CarrierShutdown");

    const pressed = await serving("wait", "--grace", "60");
    void pressed.serve.stop();
    await pressed.serve.until(/stopping; tasks that run have 60 s/);
    expect((await pressed.serve.stop()).code).toBe(130);
  });
});

describe("colours", () => {
  const inTerminal = (command: string, env: Readonly<Record<string, string>> = {}) =>
    new Running("script", ["-qec", command, "/dev/null"], { env: { TERM: "xterm", ...env } }).ended;
  const help = `"${process.execPath}" "${BIN}" --help`;

  it("are not there where standard output is no terminal", async () => {
    expect((await run(["--help"])).stdout).not.toContain("\u001b");
  });

  it.skipIf(!hasScript)(
    `are there in a terminal, and not with NO_COLOR${hasScript ? "" : " (skipped: there is no script(1) to make a terminal with)"}`,
    async () => {
      expect((await inTerminal(help)).stdout).toContain("\u001b[1mCommands\u001b[0m");
      expect((await inTerminal(help, { NO_COLOR: "1" })).stdout).not.toContain("\u001b");
    },
  );
});
