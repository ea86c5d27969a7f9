import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { completion } from "../src/commands/completion.js";
import { conformance } from "../src/commands/conformance.js";
import { doctor } from "../src/commands/doctor.js";
import { inspect } from "../src/commands/inspect.js";
import { invoke } from "../src/commands/invoke.js";
import type { Command } from "../src/shell/command.js";
import { runCommand } from "./support/run-command.js";

const odd: Command = {
  ...inspect,
  name: "odd",
  summary: `it's "odd": $(echo [x]) \`y\` \\ :`,
  options: { odd: { type: "boolean", short: "o", help: `don't [ever]: $HOME "x" \\ ;` } },
};
const commands: Command[] = [conformance, doctor, inspect, invoke, odd];
const command = completion(() => Promise.resolve(commands));
commands.push(command);

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "completion-"));
  writeFileSync(join(folder, "report one.xml"), "");
  writeFileSync(join(folder, "task.json"), "");
  for (const shell of ["bash", "zsh", "fish"]) {
    writeFileSync(join(folder, `script.${shell}`), (await runCommand(command, [shell])).out);
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const has = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;
const shellsWanted = (shell: string): string => (has(shell) ? shell : `${shell} (skipped: it is not installed)`);

function run(shell: string, script: string): string[] {
  const { stdout, stderr, status } = spawnSync(shell, ["-c", script], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, HOME: folder },
  });
  expect([stderr, status]).toEqual(["", 0]);
  return stdout.split("\n").filter((line) => line !== "");
}

/** What a user is offered for the last word. */
const OFFERED: readonly (readonly [line: readonly string[], offered: readonly string[]])[] = [
  [["inv"], ["invoke"]],
  [["in"], ["inspect", "invoke"]],
  [["conformance", "--ju"], ["--junit"]],
  [
    ["conformance", "--t"],
    ["--timeout", "--token", "--token-env"],
  ],
  [["conformance", "--junit", "rep"], ["report one.xml"]],
  [["inspect", "tas"], ["task.json"]],
  [["completion", "z"], ["zsh"]],
  [["doctor", "--serv"], ["--server"]],
];

describe.skipIf(!has("bash"))(shellsWanted("bash"), () => {
  it.each(OFFERED)("completes %j", (line, offered) => {
    const words = ["dw-carrier", ...line].map((word) => `'${word}'`).join(" ");
    const script = `source script.bash; COMP_WORDS=(${words}); COMP_CWORD=${line.length}; _dw_carrier; printf '%s\\n' "\${COMPREPLY[@]}"`;
    expect(run("bash", script).toSorted()).toEqual(offered);
  });

  it("offers nothing for a value that it cannot know, and after what is no command", () => {
    const reply = (line: string, index: number) =>
      run(
        "bash",
        `source script.bash; COMP_WORDS=(${line}); COMP_CWORD=${index}; _dw_carrier; printf '%s\\n' "\${COMPREPLY[@]}"`,
      );
    expect(reply("dw-carrier conformance --only ''", 3)).toEqual([]);
    expect(reply("dw-carrier nonsense ''", 2)).toEqual([]);
  });
});

describe.skipIf(!has("zsh"))(shellsWanted("zsh"), () => {
  it("is a script that zsh takes, with every command and option", () => {
    // What would be offered, told by stand-ins for zsh's own functions: those need a terminal.
    const stubs = `compdef() { }; _describe() { print -rl -- \${(P)2} }; _arguments() { print -rl -- "$@" }`;
    const offer = (words: string, current: number) =>
      run("zsh", `${stubs}; source ./script.zsh; words=(${words}); CURRENT=${current}; _dw-carrier`);
    const names = offer("dw-carrier ''", 2);
    expect(names.map((line) => line.split(":", 1)[0])).toEqual(commands.map(({ name }) => name));
    expect(names).toContain(String.raw`odd:it's "odd"\: $(echo [x]) ${"`y`"} \\ \:`);
    const options = offer("dw-carrier conformance ''", 3);
    expect(options).toContain("--junit[write a JUnit XML report too]:FILE:_files");
    expect(options.find((line) => line.startsWith("*--only["))).toBeDefined();
    expect(offer("dw-carrier odd ''", 3)).toContain(String.raw`-o[don't \[ever\]\: $HOME "x" \\ ;]`);
    expect(offer("dw-carrier completion ''", 3)).toContain("1:word:(bash zsh fish)");
  });
});

describe.skipIf(!has("fish"))(shellsWanted("fish"), () => {
  it.each(OFFERED)("completes %j", (line, offered) => {
    const words = ["dw-carrier", ...line].join(" ");
    const found = run("fish", `source script.fish; complete -C'${words}'`).map((text) => text.split("\t", 1)[0] ?? "");
    // Fish offers every option that holds the letters; those that begin with them come first.
    const last = line.at(-1) ?? "";
    const starting = found.map((text) => text.replaceAll("\\", "")).filter((text) => text.startsWith(last));
    expect(starting.toSorted()).toEqual(offered);
  });
});

describe("the command", () => {
  it("prints a script for each shell, as JSON too", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { code, out } = await runCommand(command, [shell]);
      expect(code).toBe(0);
      for (const { name } of commands) expect(out).toContain(name);
      expect((await runCommand(command, [shell, "--json"])).json()).toEqual({ ok: true, shell, script: out });
    }
  });

  it("knows no other shell: 2", async () => {
    expect(await runCommand(command, ["tcsh"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("bash, zsh, fish"),
    });
    expect((await runCommand(command, [])).code).toBe(2);
  });
});
