import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { begin, folderOf, root, run } from "./support/cli.js";
import { shownSchema } from "./support/shown-schema.js";

const carrier = JSON.stringify(join(root, "packages/carrier/dist/index.js"));
const zod = JSON.stringify(join(root, "node_modules/zod/index.js"));
const ACTIVITIES = `
  import { defineActivity } from ${carrier};
  import { z } from ${zod};
  export const charge = defineActivity({
    input: [z.string().min(1), z.object({ cents: z.number().int().min(1), currency: z.enum(["EUR", "USD"]) })],
    run: (_context, card, { cents, currency }) => card + " pays " + cents + " " + currency,
  });
  export const plain = (...args) => args;
`;
/** Does with the document what its argument says, and leaves a copy of what it was given. */
const EDITOR = `
  import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
  const [how, file] = process.argv.slice(2);
  copyFileSync(file, "seen.txt");
  const text = readFileSync(file, "utf8");
  const edits = {
    fill: () => text.replace('""', '"card-7"'),
    wrong: () => text.replace('"cents": 1', '"cents": 0'),
    broken: () => text.replace('""', '"card-7'),
    list: () => "// mine\\n[1, 7.0]",
    empty: () => " \\n",
    comments: () => text.replace(/^[^/].*\\n/gm, ""),
    blanks: () => text + " \\n// mine\\n",
    leave: () => text,
    fail: () => text.replace('""', '"typed"'),
  };
  if (how === "remove") {
    rmSync(file);
    process.exit(0);
  }
  if (how === "interrupted") {
    let times = 0;
    const open = setInterval(() => {}, 60_000);
    process.on("SIGINT", () => console.log("interrupted " + ++times));
    console.log("the editor is " + process.pid);
    await new Promise((resolve) => process.once("SIGHUP", resolve));
    clearInterval(open);
  }
  writeFileSync(file, (edits[how] ?? edits.fill)());
  if (how === "fail") process.exit(3);
`;
const PATIENCE_MS = 120_000;

async function chain() {
  const cwd = folderOf({ "a.mjs": ACTIVITIES, "editor.mjs": EDITOR });
  const dev = begin(["dev", "a.mjs", "--engine-port", "0", "--memory", "--json"], { cwd });
  const [, engineUrl] = await dev.until(/"listening".*"engineUrl":"([^"]+)"/);
  await expect.poll(() => shownSchema(engineUrl, "charge"), { timeout: 30_000 }).toContain("currency");
  const edit = (how: string, type = "charge", ...more: string[]) => {
    const env = { EDITOR: `"${process.execPath}" "${join(cwd, "editor.mjs")}" ${how}` };
    return run(["start", type, "--edit", ...more], { cwd, env });
  };
  const listed = async (): Promise<number> => {
    const { stdout } = await run(["list", "--json"], { cwd });
    return stdout.split("\n").filter((line) => line !== "").length;
  };
  const seen = (): string => readFileSync(join(cwd, "seen.txt"), "utf8");
  return { cwd, edit, listed, seen };
}

/** Where an error says that what was typed is kept. */
function keptBy(stderr: string): string {
  const file = /What you wrote is in (\S+): once/.exec(stderr)?.[1] ?? "";
  onTestFinished(() => rmSync(dirname(file), { recursive: true, force: true }));
  expect(file).not.toBe("");
  return file;
}

it(
  "begins with what the carrier says of its arguments, and starts what they became",
  async () => {
    const { edit, seen } = await chain();
    const started = await edit("fill");
    expect(started).toMatchObject({ code: 0, stderr: "" });
    expect(started.stdout).toContain('"card-7 pays 1 EUR"');
    expect(seen()).toMatch(
      /^\/\/ Arguments of "charge": .*\n\/\/ .*\n\[\n  "",\n  \{\n    "cents": 1,\n    "currency": "EUR"\n  \}\n\]\n\n\/\/ What/,
    );
    expect(seen()).toContain('//           "minimum": 1,');
    // Of one that says nothing there is a list to fill.
    const plain = await edit("list", "plain");
    expect(plain.stdout).toMatch(/result +\[1,7\]/);
    expect(seen()).toContain("No carrier or worker has said what they look like.\n[]\n");
  },
  PATIENCE_MS,
);

it(
  "starts nothing where it is left as it is or emptied, and where the editor or the arguments are wrong, whose text is kept",
  async () => {
    const { cwd, edit, listed } = await chain();
    for (const [how, message] of [
      ["leave", "the text was left as it was: nothing was started"],
      ["blanks", "the text was left as it was: nothing was started"],
      ["empty", "the text was emptied: nothing was started"],
      ["comments", "the text was emptied: nothing was started"],
    ] as const) {
      const ended = await edit(how);
      expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining(message)]);
      expect(ended.stderr).not.toContain("What you wrote");
    }
    const removed = await edit("remove");
    expect([removed.code, removed.stderr]).toEqual([1, expect.stringContaining("the file of the editor was removed")]);
    expect(removed.stderr).not.toContain("What you wrote");
    const absent = await run(["start", "charge", "--edit"], { cwd, env: { EDITOR: "no-such-editor" } });
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining("VISUAL or EDITOR names another")]);
    const nowhere = await run(["start", "charge", "--edit"], { cwd, env: { TMPDIR: join(cwd, "nowhere") } });
    expect([nowhere.code, nowhere.stderr]).toEqual([78, expect.stringContaining("TMPDIR names another folder.")]);
    const failed = await edit("fail");
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining("the editor ended with 3")]);
    expect(readFileSync(keptBy(failed.stderr), "utf8")).toContain('"typed"');
    const broken = await edit("broken");
    expect([broken.code, broken.stderr]).toEqual([2, expect.stringContaining("the arguments are not JSON")]);
    expect(readFileSync(keptBy(broken.stderr), "utf8")).toContain('"card-7');
    const wrong = await edit("wrong");
    const problems = "$[0] must have 1 character at least; $[1].cents must be at least 1";
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining(problems)]);
    expect(await listed()).toBe(0);
    // What was kept can be mended and given as it is, with the lines that were there.
    const kept = keptBy(wrong.stderr);
    writeFileSync(kept, readFileSync(kept, "utf8").replace('""', '"card-9"').replace('"cents": 0', '"cents": 3'));
    const mended = await run(["start", "charge", `@${kept}`], { cwd });
    expect(mended.stdout).toContain('"card-9 pays 3 EUR"');
    expect(existsSync(kept)).toBe(true);
  },
  PATIENCE_MS,
);

it(
  "keeps what was written where the engine does not take it",
  async () => {
    const { edit, cwd } = await chain();
    await run(["start", "plain", "--id", "taken", "--queue", "nobody", "--detach"], { cwd });
    const refused = await edit("fill", "charge", "--id", "taken");
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("taken")]);
    expect(readFileSync(keptBy(refused.stderr), "utf8")).toContain('"card-7"');
    const both = await run(["start", "charge", "[]", "--edit"], { cwd });
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("exclude each other")]);
  },
  PATIENCE_MS,
);

it.skipIf(process.platform === "win32")(
  "leaves Ctrl-C to the editor, however often: what is written in it is started all the same",
  async () => {
    const { cwd } = await chain();
    const env = { EDITOR: `"${process.execPath}" "${join(cwd, "editor.mjs")}" interrupted` };
    const editing = begin(["start", "charge", "--edit"], { cwd, env, detached: true });
    const [, editor] = await editing.until(/the editor is (\d+)/);
    for (const time of [1, 2]) {
      // As a terminal does: to all in its foreground.
      process.kill(-editing.pid, "SIGINT");
      await editing.until(new RegExp(`interrupted ${time}`));
    }
    process.kill(Number(editor), "SIGHUP");
    expect(await editing.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('"card-7 pays 1 EUR"') });
  },
  PATIENCE_MS,
);
