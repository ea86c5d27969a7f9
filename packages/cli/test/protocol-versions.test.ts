import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ERAS, type Feature, PROTOCOL_VERSION, SINCE, speaks } from "@durable-workflow/engine-protocol";
import { serverRemarks } from "@durable-workflow/engine-protocol/executor-config";
import { describe, expect, it } from "vitest";
import { check } from "../src/commands/check.js";
import { inspect } from "../src/commands/inspect.js";
import { FEATURES } from "../src/inspect/engine-features.js";
import { folderOf } from "./support/cli.js";
import { runCommand } from "./support/run-command.js";

const page = readFileSync(
  fileURLToPath(new URL("../../../docs/understand/protocol-versions.md", import.meta.url)),
  "utf8",
);

/** The rows of the table that begins with a heading; cells without white space around them. */
function tableOf(heading: string): readonly (readonly string[])[] {
  const lines = page.slice(page.indexOf(`| ${heading}`)).split("\n");
  const rows = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith("|")),
  );
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe("docs/understand/protocol-versions.md", () => {
  const [head = [], , ...rows] = tableOf("what the version gives");
  const versions = head.slice(1).map((cell) => cell.split(" ")[0] ?? "");

  it("goes from the oldest engines to this version", () => {
    expect([versions[0], versions.at(-1)]).toEqual([ERAS.april, PROTOCOL_VERSION]);
  });

  it("has a row for each feature, true for each version", () => {
    const told = new Map(rows.map(([name = "", ...cells]) => [name, cells]));
    expect([...told.keys()].toSorted()).toEqual(
      Object.values(FEATURES)
        .map(({ name }) => name)
        .toSorted(),
    );
    for (const feature of Object.keys(SINCE) as Feature[]) {
      const expected = versions.map((version) => (speaks(version, feature) ? "yes" : "no"));
      expect(told.get(FEATURES[feature].name), feature).toEqual(expected);
    }
  });

  it("names the refusals of a server by their codes", () => {
    const codes = serverRemarks(config({ codes: ["5xx"], url: "https://localhost/" })).map(({ code }) => code);
    expect(codes).toEqual(["invalid_carrier_target", "missing_invocable_auth_ref"]);
    for (const code of codes) expect(page).toContain(`(\`${code ?? ""}\`)`);
  });
});

interface Choices {
  readonly codes?: readonly unknown[];
  readonly url?: string;
  readonly mapping?: object;
  readonly twice?: boolean;
  readonly typeless?: boolean;
}

function config({
  codes,
  url = "http://127.0.0.1:1/",
  mapping = {},
  twice = false,
  typeless = false,
}: Choices): object {
  const one = { name: "one", kind: "activity", task_queue: "q", activity_type: "t", carrier: "web", handler: "h" };
  return {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    carriers: {
      web: {
        ...(typeless ? {} : { type: "invocable_http" }),
        url,
        ...(codes === undefined ? {} : { retry_policy: { max_attempts: 2, retryable_status_codes: codes } }),
      },
    },
    mappings: [{ ...one, ...mapping }, ...(twice ? [{ ...one, name: "two" }] : [])],
  };
}

describe("what a server makes of a config", () => {
  it.each<readonly [string, Choices, readonly (readonly [string, string | null, string])[]]>([
    ["nothing else", { codes: [408, 503] }, []],
    [
      "a class of statuses",
      { codes: [429, "5xx"] },
      [["refused", "invalid_carrier_target", "carriers.web.retry_policy.retryable_status_codes"]],
    ],
    [
      "https on loopback without an auth_ref",
      { url: "https://127.0.0.1:8443/" },
      [["refused", "missing_invocable_auth_ref", "mappings[0].auth_ref"]],
    ],
    ["http on loopback without one", { url: "http://[::1]:8080/" }, []],
    ["a mapping's timeout", { mapping: { timeout_seconds: 5 } }, [["ignored", null, "mappings[0].timeout_seconds"]]],
    ["two mappings of one activity", { twice: true }, [["ignored", null, "mappings[1]"]]],
    ["a carrier without a type", { typeless: true }, [["refused", "invalid_carrier_target", "carriers.web.type"]]],
  ])("is told: %s", (_, choices, expected) => {
    const found = serverRemarks(config(choices));
    expect(found.map(({ effect, code, path }) => [effect, code, path])).toEqual(expected);
  });

  it("is judged with the overlay that it is given, and whatever the document is", () => {
    const overlays = { production: { carriers: { web: { retry_policy: { retryable_status_codes: ["5xx"] } } } } };
    const document = { ...config({}), overlays };
    expect(serverRemarks(document)).toEqual([]);
    expect(serverRemarks(document, "production")).toHaveLength(1);
    for (const odd of [
      null,
      7,
      "x",
      [],
      { carriers: 1, mappings: {} },
      { mappings: [null], carriers: { web: null } },
    ]) {
      expect(() => serverRemarks(odd, "production")).not.toThrow();
    }
  });

  it("is not told twice, where a dispatcher refuses the same by the same name", async () => {
    const cwd = folderOf({
      "executor.json": JSON.stringify(config({ typeless: true, mapping: { timeout_seconds: 5 } })),
    });
    const done = await runCommand(check, ["--config", "executor.json", "--json"], { cwd });
    expect(done.code).toBe(78);
    expect(done.json()).toMatchObject({ server: [{ effect: "ignored", code: null }] });
    const { notes } = (await runCommand(inspect, ["executor.json", "--json"], { cwd })).json() as { notes: string[] };
    expect(notes).toHaveLength(1);
  });

  it("is shown by check, which goes by the dispatcher, and by inspect", async () => {
    const file = JSON.stringify(config({ codes: ["5xx"], mapping: { timeout_seconds: 5 } }));
    const cwd = folderOf({ "executor.json": file });
    const checked = await runCommand(check, ["--config", "executor.json"], { cwd });
    expect(checked.code).toBe(0);
    expect(checked.out).toMatch(
      /A server that is given this file\n {2}refuses it \(invalid_carrier_target\) carriers\.web/,
    );
    expect(checked.out).toContain("  passes over mappings[0].timeout_seconds: ");
    const json = (await runCommand(check, ["--config", "executor.json", "--json"], { cwd })).json();
    expect(json).toMatchObject({ ok: true, server: [{ effect: "refused" }, { effect: "ignored" }] });
    const inspected = await runCommand(inspect, ["executor.json", "--json"], { cwd });
    expect(inspected.json()).toMatchObject({
      ok: true,
      notes: [
        expect.stringContaining("a server refuses this file (invalid_carrier_target)"),
        expect.stringContaining("a server passes over it"),
      ],
    });
  });
});
