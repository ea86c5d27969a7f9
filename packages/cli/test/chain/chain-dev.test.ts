import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { begin, folderOf, jsonLines } from "../support/cli.js";
import { Audit, type RecordedAttempt } from "./audit.js";
import { clientOf, startAll, untilAllClosed } from "./chain.js";
import { handlerStep } from "./handler-steps.js";
import { scenarios, SEED } from "./scenario.js";

const ACTIVITIES = fileURLToPath(new URL("dev-activities.ts", import.meta.url));
/** C0 but for the line feed, DEL and C1: what steers terminals. */
// oxlint-disable-next-line no-control-regex
const STEERING = /[\0-\x09\x0b-\x1f\x7f-\x9f]/;

/** Runs `dw-carrier dev` through as many activities. */
async function throughDev(count: number, options: readonly string[]) {
  const all = scenarios(handlerStep, count);
  const env = { CHAIN_SEED: String(SEED), CHAIN_DEV_COUNT: String(count) };
  const args = ["dev", ACTIVITIES, "--data", folderOf(), "--engine-port", "0", "--queue", "lamps", ...options];
  const dev = begin(args, { env });
  const [, url = ""] = await dev.until(/(http:\/\/127\.0\.0\.1:\d+)/);
  await dev.until(/listening|Start one/);
  const client = clientOf(url);
  const audit = new Audit();
  try {
    const ids = await startAll(client, "work", all);
    const open = await untilAllClosed(client);
    await audit.read(client, ids, all);
    expect({ open, wrong: audit.wrong }).toEqual({ open: [], wrong: [] });
  } finally {
    await client.close();
  }
  const { stdout, stderr, code } = await dev.stop();
  expect(code, stderr).toBe(0);
  expect(audit.recorded).toHaveLength(count);
  return { stdout, stderr, audit };
}

interface Told {
  readonly workflow: string;
  readonly attempt: number;
  readonly outcome: string;
  readonly failure: { readonly type: string | null } | null;
}

/** What the outcome of an attempt is called where it is told. */
function agrees({ outcome, failure: told }: Told, { status, failure }: RecordedAttempt): boolean {
  switch (outcome) {
    case "succeeded":
      return status === "completed";
    case "failed":
      return status === "failed" && told?.type === failure?.type;
    case "cancelled":
      return status === "failed" && failure?.type === "ActivityCancelled";
    default:
      return status === "timed_out" || status === "expired";
  }
}

const COUNT = Number(process.env["CHAIN_COUNT"] ?? 250);

it(`dev tells each end of ${COUNT} activities once, as it is recorded (CHAIN_SEED=${SEED})`, {
  timeout: 240_000,
}, async () => {
  const { stdout, stderr, audit } = await throughDev(COUNT, ["--json"]);
  const told = new Map<string, Told[]>();
  for (const line of jsonLines(stdout)) {
    if (line["event"] !== "task") continue;
    const report = line as unknown as Told;
    const key = `${report.workflow} ${report.attempt}`;
    told.set(key, [...(told.get(key) ?? []), report]);
  }
  const wrong: string[] = [];
  for (const { activity_id: id, attempts } of audit.recorded) {
    for (const attempt of attempts) {
      const key = `${id} ${attempt.attempt_number}`;
      const reports = told.get(key) ?? [];
      told.delete(key);
      const [report] = reports;
      if (report === undefined || reports.length > 1 || !agrees(report, attempt)) {
        wrong.push(`${key} is ${attempt.status} (${attempt.failure?.type}), told as ${JSON.stringify(reports)}`);
      }
    }
  }
  expect({ wrong, unknown: [...told.keys()] }).toEqual({ wrong: [], unknown: [] });
  expect(stdout).not.toMatch(STEERING);
  expect(stderr).not.toMatch(STEERING);
});

it(`what activities say does not steer the terminal of dev (CHAIN_SEED=${SEED})`, { timeout: 120_000 }, async () => {
  const { stdout, stderr } = await throughDev(Math.ceil(COUNT / 4), []);
  expect(stdout).not.toMatch(STEERING);
  expect(stderr).not.toMatch(STEERING);
});
