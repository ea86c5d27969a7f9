import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Installation } from "./support/installation.js";
import { lowest, lowestOf, lowestOverrides } from "./support/lowest.js";
import type { Manifest } from "./support/packed.js";
import { PackedRegistry } from "./support/packed-registry.js";
import { installedFile, work } from "./support/runtimes.js";

/** Our packages as npm installs them: what they weigh, and with the oldest of what they say they work with. */
const { missing } = installedFile("node-22/bin/node");
const folder = join(work, "installs");
const nodeOf = (version: number): string => installedFile(`node-${version}/bin/node`).path;
const APPS = fileURLToPath(new URL("apps/", import.meta.url));
const INSTALL_MS = 300_000;
const CLI = "@durable-workflow/carrier-cli";

/** Bytes of all files. Raise one only with a reason in the changelog; docs/project/dependencies.md has the figures. */
const LIMITS = { 20: 46_000_000, 22: 25_000_000, 24: 25_000_000 };

let registry: PackedRegistry;

describe.skipIf(missing !== undefined)(
  `installed by npm${missing === undefined ? "" : ` (left out: ${missing})`}`,
  () => {
    beforeAll(async () => {
      registry = await PackedRegistry.open(join(folder, "tarballs"));
    }, INSTALL_MS);
    afterAll(async () => {
      await registry?.close();
    });

    describe.each([20, 22, 24] as const)("the command, on Node %s", (version) => {
      let installation: Installation;
      beforeAll(async () => {
        installation = await Installation.make(join(folder, `node-${version}`), nodeOf(version), registry, {
          [CLI]: "*",
        });
      }, INSTALL_MS);

      it("weighs no more than it may", () => {
        const size = installation.size();
        process.stdout.write(`the command on Node ${version}: ${(size / 1e6).toFixed(2)} MB\n`);
        expect(size).toBeLessThan(LIMITS[version]);
        expect(size).toBeGreaterThan(5_000_000);
      });

      it("brings SQLite where Node has none, and only there", () => {
        const brings = ["libsql", "@libsql", "@durable-workflow/sqlite-node20"].map((name) => installation.has(name));
        expect(brings).toEqual([version === 20, version === 20, version === 20]);
      });

      it("runs an activity in TypeScript", async () => {
        cpSync(join(APPS, "command.mjs"), join(installation.folder, "command.mjs"));
        const { stdout, stderr, status } = await installation.run(["command.mjs"]);
        expect([status, stderr]).toEqual([0, ""]);
        expect(JSON.parse(stdout)).toEqual({ status: "completed", result: "Hello, Ada" });
      });
    });

    describe("in the lowest versions that every range allows, on Node 20,", () => {
      const installations: Installation[] = [];
      const [command, libraries] = [0, 1].map((index) => () => installations[index] as Installation) as [
        () => Installation,
        () => Installation,
      ];
      /** The command brings what others may bring: it is installed by itself, as who uses the libraries does them. */
      const sets = (): readonly (readonly Manifest[])[] => [
        registry.manifests.filter(({ name }) => name === CLI),
        registry.manifests.filter(({ name }) => name !== CLI),
      ];

      beforeAll(async () => {
        const overrides = lowestOverrides(registry.manifests);
        for (const [index, set] of sets().entries()) {
          const ours = Object.fromEntries(set.map(({ name }) => [name, "*"]));
          const into = join(folder, `lowest-${index}`);
          installations.push(
            await Installation.make(into, nodeOf(20), registry, { ...ours, ...lowestPeers(set) }, overrides),
          );
        }
      }, 2 * INSTALL_MS);

      it("everything is", () => {
        for (const [index, set] of sets().entries()) {
          const installation = installations[index] as Installation;
          for (const [name, version] of Object.entries(lowestPeers(set)))
            expect(`${name} ${installation.versionOf(name)}`).toBe(`${name} ${version}`);
        }
        const brought = registry.manifests.flatMap((each) =>
          Object.entries(lowest(each.dependencies)).map(([name, version]) => [each.name, name, version] as const),
        );
        expect(brought.length).toBeGreaterThan(5);
        for (const [by, name, version] of brought) {
          const where = by === CLI ? command() : libraries();
          expect(`${by}: ${name} ${where.versionOf(name, by)}`).toBe(`${by}: ${name} ${version}`);
        }
      });

      it("a task runs through client, engine, dispatcher and carrier", async () => {
        cpSync(join(APPS, "chain.mjs"), join(libraries().folder, "chain.mjs"));
        const { stdout, stderr, status } = await libraries().run(["chain.mjs"]);
        expect([status, stderr]).toEqual([0, ""]);
        expect(JSON.parse(stdout)).toEqual({ greeting: "Hello, Ada", counted: [["completed", 1]], logged: true });
      });

      it("the command runs an activity in TypeScript, and serves MCP", async () => {
        cpSync(join(APPS, "command.mjs"), join(command().folder, "command.mjs"));
        const { stdout, stderr, status } = await command().run(["command.mjs", "mcp"]);
        expect([status, stderr]).toEqual([0, ""]);
        expect(JSON.parse(stdout)).toEqual({ status: "completed", result: "Hello, Ada", mcp: "durable-workflow" });
      });

      it("every door opens", async () => {
        const doors = registry.manifests.flatMap(({ name, exports }) =>
          Object.keys(exports)
            .filter((entry) => !entry.endsWith(".json"))
            .map((entry) => name + entry.slice(1)),
        );
        const imports = doors.map((door) => `await import(${JSON.stringify(door)});`);
        writeFileSync(join(libraries().folder, "doors.mjs"), `${imports.join("\n")}\nconsole.log(${doors.length});\n`);
        const { stdout, stderr } = await libraries().run(["--no-warnings", "doors.mjs"]);
        expect([stdout.trim(), stderr]).toEqual([String(doors.length), ""]);
      });
    });
  },
);

/** Where two packages take the same peer, the higher of their lowest is the lowest of both. */
function lowestPeers(manifests: readonly Manifest[]): Readonly<Record<string, string>> {
  const peers = new Map<string, string>();
  for (const [name, version] of manifests.flatMap((each) => Object.entries(lowest(each.peerDependencies))))
    peers.set(name, higher(version, peers.get(name)));
  return Object.fromEntries(peers);
}

function higher(one: string, other: string | undefined): string {
  const numbers = (version: string): number => version.split(".").reduce((sum, part) => sum * 10_000 + Number(part), 0);
  return other === undefined || numbers(one) > numbers(other) ? one : other;
}

it("reads the lowest version of ranges, and guesses none", () => {
  expect(["^7.16.0", "^9.0.0 || ^10.0.0", ">=6", "~1.2", "1.2.3"].map(lowestOf)).toEqual([
    "7.16.0",
    "9.0.0",
    "6.0.0",
    "1.2.0",
    "1.2.3",
  ]);
  for (const range of ["*", "<7", "latest", ">6"]) expect(() => lowestOf(range)).toThrow("what is the lowest");
});
