import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { carrierClient } from "@durable-workflow/carrier/testing";
import { describe, expect, it } from "vitest";
import { begin, folderOf } from "./support/cli.js";

/** Decorators of before the standard are called with the property's name, those of the standard with a context. */
const DECORATED = (name: string): string => `
import { said } from "@lib/said";
const kinds: string[] = [];
function seen(_target: unknown, key: unknown): any { kinds.push(typeof key); }
class Greeter { @seen greet() { return said; } }
export const ${name} = () => [new Greeter().greet(), kinds];
`;

const tsconfig = (lib: string, experimentalDecorators: boolean): string =>
  `{ // as people write it
    "compilerOptions": { "paths": { "@lib/*": ["./${lib}/*"] }, "experimentalDecorators": ${experimentalDecorators} },
  }`;

describe("the tsconfig nearest to each file", () => {
  it.each(["module", "commonjs"])("counts from whatever folder the command runs in: %s", async (type) => {
    const base = folderOf({
      "old/package.json": JSON.stringify({ type }),
      "old/tsconfig.json": tsconfig("lib", true),
      "old/lib/said.ts": 'export const said: string = "old";',
      "old/src/a.ts": DECORATED("one"),
      "new/package.json": JSON.stringify({ type }),
      "new/tsconfig.json": tsconfig("other", false),
      "new/other/said.ts": 'export const said: string = "new";',
      "new/b.ts": DECORATED("two"),
      "elsewhere/tsconfig.json": tsconfig("nowhere", false),
    });
    const cwd = join(base, "elsewhere", "deep");
    mkdirSync(cwd);
    const serve = begin(["serve", "../../old/src/a.ts", "../../new/b.ts", "--port", "0", "--json"], { cwd });
    const [, url = ""] = await serve.until(/"url":"(http:[^"]+)"/);
    const client = carrierClient(url);
    expect(await client.call("one", [])).toEqual(["old", ["string"]]);
    expect(await client.call("two", [])).toEqual(["new", ["object"]]);
  });
});
