import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** What a caller bundles: its contract and the client, and no line of a handler. */
const root = fileURLToPath(new URL("../", import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(`${root}.caller-`);
  const handler = `import { defineActivity } from "@durable-workflow/carrier";
    import { charge } from "./contract.js";
    export const secret = "SECRET_OF_THE_HANDLER";
    export const handler = defineActivity(charge, (context, card) => ({ id: secret + card }));
    export const refund = defineActivity({ name: "refund", run: (context, id: string) => secret + id });`;
  const files = {
    "contract.ts": `import { activityContract } from "@durable-workflow/carrier/contract";
      export const charge = activityContract("billing.charge").types<[card: string], { id: string }>();`,
    "handler.ts": handler,
    "caller.ts": `import { activityRef, createClient } from "@durable-workflow/client";
      import { charge } from "./contract.js";
      import type { refund } from "./handler.js";
      const client = createClient({ serverUrl: "https://engine.test" });
      export const run = async () => [await client.execute(charge, ["card-7"]), await client.execute(activityRef<typeof refund>("refund"), ["x"])];`,
    "careless.ts": `export { run } from "./caller.js"; export { handler } from "./handler.js";`,
    "contract-only.ts": `export { charge } from "./contract.js";`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function bundle(entry: string, condition: string): Promise<{ code: string; inputs: readonly string[] }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [`${folder}/${entry}`],
    bundle: true,
    format: "esm",
    platform: "neutral",
    conditions: [condition],
    external: ["node:*"],
    write: false,
    metafile: true,
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  return { code: outputFiles.map(({ text }) => text).join("\n"), inputs };
}

/** Of the carrier: what runs handlers. */
const RUNS_HANDLERS =
  /carrier\/dist\/doors\/(?!(?:contract|payload|protocol|runtime-payloads|platform-\w+|shared\/(?:base|bytes|codec|digest))\.js)/;

describe.each(["browser", "workerd", "bun", "deno", "node"])("a caller bundled for %s", (condition) => {
  it("has no code of handlers, and none that runs them", async () => {
    const { code, inputs } = await bundle("caller.ts", condition);
    expect(code).toContain("billing.charge");
    expect(code).not.toContain("SECRET_OF_THE_HANDLER");
    expect(inputs.filter((file) => RUNS_HANDLERS.test(file))).toEqual([]);
    expect(code.includes('from "node:http"')).toBe(condition === "node");
    expect(/from "(?!node:https?")/.test(code), "nothing is left to be installed").toBe(false);
  });
});

it("would be seen if it had", async () => {
  const { code, inputs } = await bundle("careless.ts", "browser");
  expect(code).toContain("SECRET_OF_THE_HANDLER");
  expect(inputs.some((file) => RUNS_HANDLERS.test(file))).toBe(true);
});

it("a contract without schemas weighs next to nothing", async () => {
  expect((await bundle("contract-only.ts", "browser")).code.length).toBeLessThan(1_500);
});
