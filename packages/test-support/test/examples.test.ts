import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** The examples of platforms and the pages about them; that they run is shown by runtimes/examples.test.ts. */
const root = fileURLToPath(new URL("../../../", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const json = (path: string): Manifest => JSON.parse(read(path)) as Manifest;
/** Not a platform, but what the local stack runs, and a part of the workspace. */
const WORKSPACE = "billing";

interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly workspaces?: readonly string[];
}

const platforms = readdirSync(join(root, "examples")).filter((name) => name !== WORKSPACE);
const pages = readdirSync(join(root, "docs/deploy")).map((name) => name.replace(/\.md$/, ""));
const ABOUT = ["Bodies", "Time", "A caller that goes away", "The gate", "Storage threshold"];
const tests = read("runtimes/examples.test.ts");
const [activities = ""] = platforms.flatMap((name) => activitiesOf(name));

function activitiesOf(name: string): readonly string[] {
  const files = [`examples/${name}/activities.ts`, `examples/${name}/src/activities.ts`];
  return files.filter((file) => existsSync(join(root, file))).map(read);
}

it("every platform has an example and a page", () => {
  expect(platforms.length).toBeGreaterThanOrEqual(10);
  expect(pages).toEqual(platforms.toSorted());
});

it("no example of a platform is installed with the repository", () => {
  expect(json("package.json").workspaces).toEqual(["packages/*", `examples/${WORKSPACE}`]);
});

describe.each(platforms)("examples/%s", (name) => {
  it("is run by a test", () => {
    expect(tests).toMatch(new RegExp(`(?:name: |testExample\\()"${name}"`));
  });

  it("has the same activities as the others", () => {
    // That of Next.js is the same without types.
    if (name !== "nextjs") expect(activitiesOf(name)).toEqual([activities]);
  });

  it("has the lines that its page has", () => {
    const page = read(`docs/deploy/${name}.md`);
    const [, file = "", code = ""] = /Its `([^`]+)`:\n\n```(?:ts|js)\n(.*?)^```$/ms.exec(page) ?? [];
    expect(code).toBe(read(`examples/${name}/${file}`));
  });

  it("names a page that tells of limits", () => {
    expect(read(`examples/${name}/README.md`)).toContain(`../../docs/deploy/${name}.md`);
    for (const about of ABOUT) {
      expect(read(`docs/deploy/${name}.md`)).toContain(`- **${about}.** `);
    }
  });

  it("wants the versions that it is tested with", () => {
    const { dependencies = {}, devDependencies = {} } = json(`examples/${name}/package.json`);
    const tested: Readonly<Record<string, string>> = {
      ...json("package.json").devDependencies,
      ...json("runtimes/package.json").dependencies,
      "@durable-workflow/carrier": json("packages/carrier/package.json").version,
    };
    for (const [wanted, range] of Object.entries({ ...dependencies, ...devDependencies })) {
      // The tools of two platforms, in whose place the runtime itself is used.
      if (["wrangler", "@types/bun"].includes(wanted)) continue;
      expect(range, wanted).toBe(`^${tested[wanted]}`);
    }
  });
});
