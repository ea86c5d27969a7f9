import { execFile } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { activityTaskEnvelope } from "./support/envelopes.js";

/** What puts failures into words is loaded when it is needed, however a program was bundled. */
const root = fileURLToPath(new URL("../", import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(`${root}.bundled-`);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const PROGRAM = `import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
  export const logged = [];
  const log = (fields, message) => { logged.push({ ...fields, message }); };
  const logger = { debug: log, info: log, warn: log, error: log };
  export const answer = fetchInvocableActivityHandler(
    { "lamps.dim": () => 7, "lamps.break": () => { throw new RangeError("no lamp"); } },
    { logger },
  );`;

/** Bundles the program into a folder of its own. */
async function bundled(name: string, splitting: boolean) {
  const out = join(folder, name);
  const { metafile } = await build({
    stdin: { contents: PROGRAM, resolveDir: root },
    bundle: true,
    minify: true,
    splitting,
    outdir: out,
    entryNames: "program",
    format: "esm",
    outExtension: { ".js": ".mjs" },
    platform: "neutral",
    metafile: true,
  });
  const later = Object.values(metafile.outputs)
    .flatMap(({ imports }) => imports)
    .filter(({ kind, external }) => kind === "dynamic-import" && external !== true)
    .map(({ path }) => join(process.cwd(), path));
  return { files: Object.keys(metafile.outputs).length, later: [...new Set(later)], out };
}

/** Sends one task after the other in a process of its own, and says how each was answered. `lost` are files that are away meanwhile. */
async function answersOf(out: string, tasks: readonly string[], lost: readonly string[] = []) {
  const driver = `import { renameSync } from "node:fs";
    import { answer, logged } from "./program.mjs";
    const answers = [];
    for (const handler of ${JSON.stringify(tasks)}) {
      if (handler === "files come back") {
        for (const file of ${JSON.stringify(lost)}) renameSync(file + ".away", file);
        continue;
      }
      const envelope = ${JSON.stringify(activityTaskEnvelope())};
      envelope.task.handler = handler;
      const response = await answer(new Request("https://carrier.test", { method: "POST", body: JSON.stringify(envelope) }));
      answers.push({ status: response.status, document: await response.json() });
    }
    console.log(JSON.stringify({ answers, logged }));`;
  writeFileSync(join(out, "driver.mjs"), driver);
  for (const file of lost) renameSync(file, `${file}.away`);
  const { stdout } = await promisify(execFile)(process.execPath, [join(out, "driver.mjs")]);
  return JSON.parse(stdout) as { readonly answers: readonly object[]; readonly logged: readonly object[] };
}

const BROKEN = {
  status: 200,
  document: {
    outcome: { status: "failed", retryable: true },
    failure: { kind: "application", type: "RangeError", message: "no lamp" },
  },
};
const UNKNOWN = { status: 200, document: { failure: { type: "UnknownActivityHandler" } } };
const DIMMED = { status: 200, document: { outcome: { status: "succeeded" } } };
const LOST = { status: 502, document: { error: "handler_failed" } };

it("stands in the one file of a worker", async () => {
  const { files, out } = await bundled("one", false);
  expect(files).toBe(1);
  const { answers } = await answersOf(out, ["lamps.break", "lamps.dim", "lamps.fly"]);
  expect(answers).toMatchObject([BROKEN, DIMMED, UNKNOWN]);
});

it("is a file of its own where a program is several", async () => {
  const { later, out } = await bundled("split", true);
  expect(later).toHaveLength(1);
  const { answers } = await answersOf(out, ["lamps.fly", "lamps.break", "lamps.dim"]);
  expect(answers).toMatchObject([UNKNOWN, BROKEN, DIMMED]);
});

it("costs no task its outcome when it cannot be loaded: whoever sent it is told to try again, and then it can", async () => {
  const { later, out } = await bundled("lost", true);
  const tasks = ["lamps.dim", "lamps.break", "lamps.dim", "files come back", "lamps.break"];
  const { answers, logged } = await answersOf(out, tasks, later);
  expect(answers).toMatchObject([DIMMED, LOST, DIMMED, BROKEN]);
  expect(logged).toMatchObject([{ message: "The handler did not answer." }]);
});
