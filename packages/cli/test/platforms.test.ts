import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadModule } from "../src/host/activities/load-module.js";
import { comparable } from "../src/host/activities/watch.js";
import { taskCommand } from "../src/host/carrier/carrier-output.js";
import { parseJsonArguments } from "../src/options/json-arguments.js";
import { shownFile } from "../src/report/shown-file.js";
import { folderOf, root } from "./support/cli.js";

/** What other systems than the one that this runs on have otherwise, as far as it can be told here. */
describe("Windows and macOS", () => {
  it("tell the name of a changed file as it is on the disk", () => {
    for (const platform of ["win32", "darwin"] as const) {
      expect(comparable("Activities.TS", platform)).toBe(comparable("activities.ts", platform));
      expect(comparable("caf\u0065\u0301.ts", platform)).toBe(comparable("caf\u00e9.ts", platform));
    }
    expect(comparable("Activities.TS", "linux")).toBe("Activities.TS");
  });

  it("have shells in which no JSON can be quoted", () => {
    const url = "http://127.0.0.1:8787/";
    expect(taskCommand(url, "greet", { tokenVariable: "T", platform: "win32" })).toBe(
      `dw-carrier invoke ${url} greet --token-env T`,
    );
    expect(taskCommand(url, "greet", { tokenVariable: undefined, platform: "darwin" })).toMatch(
      /^curl -s .* --data-binary '/,
    );
    // What cmd makes of '["Ada"]'.
    expect(() => parseJsonArguments("'[Ada]'")).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/cmd.*@FILE/) }),
    );
  });

  it("are told where a module fails by a path", async () => {
    const cwd = folderOf({ "my app/a.mjs": "export const x = 1;\nthrow new Error('at once');\n" });
    const file = join(cwd, "my app", "a.mjs");
    for (const afresh of [false, true]) {
      await expect(loadModule(file, { afresh })).rejects.toMatchObject({
        hint: expect.stringMatching(/^at (?!.*(?:file:|%20)).*my app.a\.mjs:2:7\)?$/) as string,
      });
    }
  });

  it("have files that lie elsewhere, whose names only begin as ours do", () => {
    expect(shownFile(join("/a", "..b", "c"), "/a")).toBe(join("..b", "c"));
    expect(shownFile("/b/c", "/a")).toBe("/b/c");
  });

  it("the page says what was looked at", () => {
    const page = readFileSync(join(root, "docs/reference/cli.md"), "utf8");
    expect(page).toContain("## Windows and macOS");
  });
});
