import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { begin, folderOf, jsonLines, run } from "./support/cli.js";

const ACTIVITIES = `
let calls = 0;
export const flaky = (...args) => { if (calls++ === 0) throw new Error("not yet"); return args; };
export const size = (text) => text.length;
`;

async function devIn(cwd: string): Promise<void> {
  await begin(["dev", "a.mjs", "--engine-port", "0", "--memory", "--json"], { cwd }).until(/"listening"/);
}

const storyOf = async (id: string, cwd: string) =>
  JSON.parse((await run(["show", id, "--json"], { cwd })).stdout) as Record<string, unknown>;

describe("dw-carrier retry", () => {
  it("starts a closed activity again, with the same arguments and options", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES });
    await devIn(cwd);
    const args = '[7, 7.0, 9007199254740993, {"$type":"bytes","base64":"AP8="}, {"a": null}]';
    const options = ["--id", "f", "--business-key", "k", "--start-to-close", "30", "--non-retryable", "Error"];
    const first = await run(["start", "flaky", args, ...options, "--max-attempts", "3", "--backoff", "1,2"], { cwd });
    expect(first.code).toBe(1);
    const before = await storyOf("f", cwd);

    const again = await run(["retry", "f", "--json"], { cwd });
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(jsonLines(again.stdout)[0]).toMatchObject({
      event: "started",
      id: "f",
      maxAttempts: 3,
      backoffSeconds: [1, 2],
    });
    const after = await storyOf("f", cwd);
    expect(after).toMatchObject({
      status: "completed",
      businessKey: "k",
      maxAttempts: 3,
      arguments: before["arguments"],
    });
    expect(after["runId"]).not.toBe(before["runId"]);

    const other = await run(["retry", "f", "--id", "g", "--args", '["else"]'], { cwd });
    expect(other.stdout).toContain('result     ["else"]');
    expect(await storyOf("g", cwd)).toMatchObject({ arguments: ["else"], businessKey: "k" });
  });

  it("takes arguments that the engine keeps apart", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES, "large.json": JSON.stringify(["x".repeat(3_000_000)]) });
    await devIn(cwd);
    await run(["start", "size", "@large.json", "--id", "s"], { cwd });
    const again = await run(["retry", "s"], { cwd });
    expect(again.stdout).toContain("result     3000000");
  });

  it("lets the arguments be edited, and starts nothing where that ends badly", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES });
    // Told by name alone, and by a command line with arguments.
    writeFileSync(
      join(cwd, "editor.mjs"),
      "import { readFileSync, writeFileSync } from 'node:fs';\nconst [how, file] = process.argv.slice(2);\nif (how === 'fail') process.exit(3);\nwriteFileSync(file, how === 'empty' ? '' : readFileSync(file, 'utf8').replace('\"Ada\"', '\"Grace\"'));\n",
    );
    const editor = (how: string) => ({ EDITOR: `"${process.execPath}" "${join(cwd, "editor.mjs")}" ${how}` });
    await devIn(cwd);
    await run(["start", "flaky", '["Ada", 7.0]', "--id", "f"], { cwd });
    for (const [how, message] of [
      ["fail", "the editor ended with 3"],
      ["empty", "the text was emptied"],
    ] as const) {
      const ended = await run(["retry", "f", "--edit"], { cwd, env: editor(how) });
      expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining(message)]);
    }
    // Of its own: others leave files in the machine's.
    const temporary = folderOf();
    const env = { ...editor("change"), TMPDIR: temporary, TMP: temporary, TEMP: temporary };
    const { stdout } = await run(["retry", "f", "--edit"], { cwd, env });
    expect(stdout).toContain('result     ["Grace",7]');
    expect(await storyOf("f", cwd)).toMatchObject({ arguments: ["Grace", { $type: "double", value: "7.0" }] });
    expect(readdirSync(temporary)).toEqual([]);
  });

  it.each([
    [["retry"], 2, "ID is missing"],
    [["retry", "none"], 1, "there is no activity none"],
    [["retry", "r"], 1, "still runs"],
    [["retry", "r", "--args", "[]", "--edit"], 2, "exclude each other"],
    [["retry", "r", "--id", ".."], 2, "--id must be 1 to 128 letters"],
  ])("%j makes no sense", async (args, code, message) => {
    const cwd = folderOf();
    await begin(["engine", "--port", "0", "--memory", "--json"], { cwd }).until(/"listening"/);
    await run(["start", "x", "--id", "r", "--detach"], { cwd });
    const ended = await run(args, { cwd });
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(message)]);
  });
});
