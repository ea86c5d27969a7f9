import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type ConformanceCase, conformanceAuthCases, conformanceCases } from "@durable-workflow/carrier/testing";
import { fileTrouble } from "@durable-workflow/dispatcher/tools";
import { junitReport } from "../conformance/junit.js";
import { preflight } from "../conformance/preflight.js";
import { type CaseReport, type ConformanceOutcome, type ConformanceRun, runConformance } from "../conformance/run.js";
import { selectCases } from "../conformance/select.js";
import { conforms, summarise } from "../conformance/summary.js";
import { textReport } from "../conformance/text-report.js";
import { NoAnswer } from "../net/exchange.js";
import { HttpClient } from "../net/http-client.js";
import { shownUrl } from "../net/shown-url.js";
import { CARRIER_TOKEN_OPTIONS, carrierToken, carrierUrl } from "../options/carrier-target.js";
import { atMost, flag, pairsOption, positional, secondsOption, textOption, textsOption } from "../options/values.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT, type ExitCode } from "../shell/command.js";

const DEFAULT_TIMEOUT_MS = 15_000;
const ALL_CASES = [...conformanceCases, ...conformanceAuthCases];

/** Tests a carrier, in whatever language, against the contract. */
export const conformance: Command = {
  name: "conformance",
  summary: "Tests a carrier in any language against the contract",
  usage: "URL",
  options: {
    only: {
      type: "string",
      multiple: true,
      value: "PATTERN",
      help: "cases to run: an id, a group, or either with *; may be repeated",
    },
    accept: {
      type: "string",
      multiple: true,
      value: "ID=REASON",
      help: "a difference that is known and does not count; may be repeated",
    },
    strict: { type: "boolean", help: "recommended cases count as required ones do" },
    junit: { type: "string", value: "FILE", help: "write a JUnit XML report too" },
    timeout: { type: "string", value: "SECONDS", help: "longest wait for an answer (default 15)" },
    verbose: { type: "boolean", help: "list the cases that passed, too" },
    list: { type: "boolean", help: "list the cases and what each checks, and send nothing" },
    ...CARRIER_TOKEN_OPTIONS,
  },
  description: `Sends the carrier at URL what engines send, good and bad, and compares each answer with the contract. The carrier
registers the conformance.* activities (docs/reference/cli-tools.md has them for any language). With a token, it is also checked
that nobody comes in without it. Required cases decide; recommended ones are reported.`,
  examples: [
    { line: "dw-carrier conformance http://127.0.0.1:8080/", what: "tests a carrier on this machine" },
    {
      line: "dw-carrier conformance https://carrier.example.com/tasks --token-env CARRIER_TOKEN --junit report.xml",
      what: "tests a guarded one, in CI",
    },
    { line: "dw-carrier conformance http://127.0.0.1:8080/ --only deadlines --verbose", what: "tests deadlines only" },
  ],
  run: (input, io) => (flag(input, "list") ? list(input, io) : testCarrier(input, io)),
};

function list(input: CommandInput, io: CliIo): Promise<ExitCode> {
  for (const { id, requirement, contract } of selectCases(ALL_CASES, textsOption(input, "only"))) {
    const line = `${io.paint.bold(id)} (${requirement})\n    ${contract}`;
    io.out(`${input.json ? JSON.stringify({ id, requirement, contract }) : line}\n`);
  }
  return Promise.resolve(EXIT.ok);
}

async function testCarrier(input: CommandInput, io: CliIo): Promise<ExitCode> {
  atMost(input, 1);
  const url = carrierUrl(positional(input, 0, "URL"));
  const token = carrierToken(input, io);
  const strict = flag(input, "strict");
  const junit = textOption(input, "junit");
  const accepted = acceptedOf(input);
  const run: ConformanceRun = {
    http: new HttpClient(io),
    url,
    token,
    cases: casesOf(input, token),
    timeoutMs: secondsOption(input, "timeout") ?? DEFAULT_TIMEOUT_MS,
    accepted,
    scrub: (text) => io.secrets.scrub(text),
    signal: io.signal,
  };
  const { reports, goneAfter } = await perform(run);
  const summary = summarise(reports);
  const ok = conforms(summary, strict);
  // First of all: what follows may end in a pipe that nobody reads.
  if (junit !== undefined) {
    await writeReport(resolve(io.cwd, junit), junitReport(reports, { url: shownUrl(url), strict, goneAfter }));
  }
  if (input.json) {
    io.out(`${JSON.stringify({ ok, url: shownUrl(url), strict, summary, goneAfter, cases: reports })}\n`);
  } else {
    io.out(textReport(reports, summary, { paint: io.paint, strict, verbose: flag(input, "verbose"), goneAfter }));
  }
  warnOfNeedless(accepted, reports, io);
  return ok ? EXIT.ok : EXIT.failed;
}

function casesOf(input: CommandInput, token: string | undefined): readonly ConformanceCase[] {
  const selected = selectCases(ALL_CASES, textsOption(input, "only"));
  const usable = token === undefined ? selected.filter((test) => !conformanceAuthCases.includes(test)) : selected;
  if (usable.length > 0) return usable;
  const hint = "Give the carrier's token with --token-env NAME.";
  throw new CliError(EXIT.usage, "the cases of --only need a token that the carrier takes", hint);
}

function acceptedOf(input: CommandInput): ReadonlyMap<string, string> {
  const accepted = pairsOption(input, "accept", "ID=REASON");
  for (const id of accepted.keys()) {
    if (!ALL_CASES.some((test) => test.id === id)) {
      throw new CliError(EXIT.usage, `--accept ${id} names no case`, "dw-carrier conformance --list shows them all.");
    }
  }
  return accepted;
}

async function perform(run: ConformanceRun): Promise<ConformanceOutcome> {
  try {
    await preflight(run);
    return await runConformance(run);
  } catch (error) {
    if (error instanceof NoAnswer) throw new CliError(EXIT.failed, "the test was interrupted");
    throw error;
  }
}

async function writeReport(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new CliError(EXIT.config, `the JUnit report ${path} cannot be written: ${fileTrouble(error)}`);
  }
}

/** A difference that is accepted and gone is one that nobody would notice coming back. */
function warnOfNeedless(accepted: ReadonlyMap<string, string>, reports: readonly CaseReport[], io: CliIo): void {
  for (const { id, status } of reports) {
    if (status === "passed" && accepted.has(id)) io.err(`--accept ${id} is not needed: the case passes.\n`);
  }
}
