import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, it } from "vitest";
import { type ConformanceOutput, conformanceReport } from "./support/conformance-report.js";
import { describeUnless, whyNoPython } from "./support/peers.js";
import { startPythonCarrier } from "./support/python-carrier.js";
import { PYTHON_FINDINGS } from "./support/python-findings.js";

const VERSION = "2.12.0";
const REPORT = fileURLToPath(new URL(`../docs/understand/conformance/python-${VERSION}.md`, import.meta.url));

describeUnless(whyNoPython(VERSION), `the conformance cases against the carrier of Python ${VERSION}`, () => {
  let output: ConformanceOutput;
  beforeAll(async () => {
    const { url, peer } = await startPythonCarrier(VERSION);
    try {
      output = await conformanceOf(url);
    } finally {
      peer.kill();
    }
  });

  it("fail for reasons that are known, each one", () => {
    const failing = output.cases.filter(({ status }) => status !== "passed").map(({ id }) => id);
    const explained = PYTHON_FINDINGS.flatMap(({ cases }) => cases);
    expect(
      failing.filter((id) => !explained.includes(id)),
      "cases that fail without a reason",
    ).toEqual([]);
    expect(
      explained.filter((id) => !failing.includes(id)),
      "reasons of cases that pass",
    ).toEqual([]);
    expect(output.summary["notRun"]).toBe(0);
  });

  it("give the report that is kept in docs/understand/conformance", async () => {
    const report = conformanceReport(`Python ${VERSION}`, output, PYTHON_FINDINGS);
    if (process.env["INTEROP_UPDATE"] === "1") {
      await mkdir(dirname(REPORT), { recursive: true });
      await writeFile(REPORT, report);
    }
    expect(await readFile(REPORT, "utf8")).toBe(report);
  });
});

/** What the command says of a carrier; that it exits with 1 for one that does not conform is no error. */
async function conformanceOf(url: string): Promise<ConformanceOutput> {
  const command = fileURLToPath(new URL("../packages/cli/dist/bin.js", import.meta.url));
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [command, "conformance", url, "--json"], { maxBuffer: 2 ** 26 }, (_, stdout, stderr) => {
      if (stdout === "") reject(new Error(`the command said nothing: ${stderr}`));
      else resolve(JSON.parse(stdout) as ConformanceOutput);
    });
  });
}
