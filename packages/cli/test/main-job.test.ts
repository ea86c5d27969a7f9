import { readFileSync } from "node:fs";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Finished, folderOf, Running, root } from "./support/cli.js";

const { normalize, RECORDING } = (await import(new URL("../../../scripts/record.mjs", import.meta.url).href)) as {
  normalize: (output: string) => string;
  RECORDING: string;
};

/** `npm start` in the repository, as on a fresh machine after the installation. */
function npmStart(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  const options = args.length === 0 ? [] : ["--", ...args];
  return new Running("npm", ["start", "--silent", ...options], { cwd: root, env }).ended;
}

/** The lines of the last table. */
function tableOf(output: string): readonly string[] {
  const lines = output.trimEnd().split("\n");
  return lines.slice(lines.findLastIndex((line) => line.startsWith("ID ")) + 1);
}

it("the README shows the table of the recording, and the command that it begins with", () => {
  const readme = readFileSync(`${root}README.md`, "utf8");
  const recording = readFileSync(RECORDING, "utf8").trimEnd();
  const ending = recording.slice(recording.lastIndexOf("$ dw-carrier")).replaceAll(/^/gm, "    ");
  expect(readme).toContain(ending);
  expect(/```sh\n(\S+ \S+)/.exec(readme)?.[1]).toBe("npm start");
});

describe("npm start, the first command of the README", () => {
  it("starts three activities, shows them live, and ends with what the engine has on record", async () => {
    const { stdout, stderr, code } = await npmStart();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(tableOf(stdout)).toEqual([
      expect.stringMatching(/^ledger-\S+ +billing\.export-ledger +1 +cancelled +at \d+ of 12 months$/),
      expect.stringMatching(/^\S+ +billing\.charge-card +3 +completed +\{"chargeId":"ch_2",.*\}$/),
      expect.stringMatching(/^\S+ +billing\.charge-card +1 +completed +\{"chargeId":"ch_1",.*\}$/),
    ]);
    expect(stdout.match(/\[#+-+\] \d+\/12 months/g)?.length).toBeGreaterThan(0);
    // The recording in the docs is what is printed: node scripts/record.mjs writes it anew.
    expect(normalize(stdout)).toBe(readFileSync(RECORDING, "utf8"));
  });

  it("does the same on an engine elsewhere, with its tokens", async () => {
    const auth = { operatorToken: "operator-t0ken", workerToken: "worker-t0ken" };
    const engine = createLocalEngine({ file: ":memory:", auth });
    onTestFinished(() => engine.close());
    const { url } = await engine.listen();
    const options = ["--server", url, "--token-env", "OPERATOR", "--worker-token-env", "WORKER", "--data", folderOf()];
    const tokens = { OPERATOR: auth.operatorToken, WORKER: auth.workerToken };
    const { stdout, stderr, code } = await npmStart(options, tokens);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(tableOf(stdout).map((line) => line.split(/ {2,}/).slice(1, 4))).toEqual([
      ["billing.export-ledger", "1", "cancelled"],
      ["billing.charge-card", "3", "completed"],
      ["billing.charge-card", "1", "completed"],
    ]);
    expect(stdout).not.toContain("t0ken");
  });
});
