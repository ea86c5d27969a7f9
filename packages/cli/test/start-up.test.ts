import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { begin, folderOf, jsonLines } from "./support/cli.js";

/** Writes down every module that a process loads. */
const HOOKS = `
import { appendFileSync } from "node:fs";
export async function load(url, context, next) {
  appendFileSync(process.env.LOADED, url + "\\n");
  return next(url, context);
}
`;
const REGISTER = 'import { register } from "node:module"; register("./hooks.mjs", import.meta.url);';
const PAGE = /\/packages\/(?:inspector\/dist\/|cli\/dist\/(?:page\/page|inspect\/))/;

it("dev loads the page with the first request for it, not before it is ready", async () => {
  const cwd = folderOf({ "a.mjs": "export const greet = () => 1;", "hooks.mjs": HOOKS, "register.mjs": REGISTER });
  const LOADED = join(cwd, "loaded.txt");
  const env = { LOADED, NODE_OPTIONS: `--import=${pathToFileURL(join(cwd, "register.mjs")).href}` };
  const dev = begin(["dev", "a.mjs", "--engine-port", "0", "--memory", "--json"], { cwd, env });
  await dev.until(/"pageUrl":"[^"]+".*\n/);
  const loaded = (): readonly string[] => readFileSync(LOADED, "utf8").split("\n");
  expect(loaded().length).toBeGreaterThan(100);
  expect(loaded().filter((url) => PAGE.test(url))).toEqual([]);
  const [listening] = jsonLines(dev.stdout.split("\n")[0] ?? "");
  const pages = await Promise.all([1, 2].map(() => fetch(String(listening?.["pageUrl"]))));
  for (const page of pages) {
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("<html");
  }
  expect(loaded().some((url) => PAGE.test(url))).toBe(true);
}, 60_000);
