import { expect, it } from "vitest";
import { begin, folderOf } from "../support/cli.js";
import { Audit, type RecordedAttempt } from "./audit.js";
import { QUEUE, startAll, untilAllClosed } from "./chain.js";
import { ACTIVITIES, environmentFor, STEERING, type TaskLine, wrongLines } from "./commands.js";
import { ControlClient } from "./control-client.js";
import { handlerStep } from "./handler-steps.js";
import { countOr, SEED, scenarios } from "./scenario.js";
import { strayStep } from "./stray-steps.js";

const COUNT = countOr(200);
const STEPS = { work: handlerStep, stray: strayStep } as const;

/** Runs `dw-carrier dev` through as many activities of a type. */
async function throughDev(type: keyof typeof STEPS, count: number, options: readonly string[]) {
  const all = scenarios(STEPS[type], count);
  const args = ["dev", ACTIVITIES, "--data", folderOf(), "--engine-port", "0", "--queue", QUEUE, ...options];
  const dev = begin(args, { env: environmentFor(count) });
  const [, url = ""] = await dev.until(/(http:\/\/127\.0\.0\.1:\d+)/);
  await dev.until(/listening|Start one/);
  const client = new ControlClient(url);
  const audit = new Audit();
  const ids = await startAll(client, type, all);
  const open = await untilAllClosed(client);
  await audit.read(client, ids, all);
  expect({ open, wrong: audit.wrong }).toEqual({ open: [], wrong: [] });
  const { stdout, stderr, code } = await dev.stop();
  expect(code, stderr).toBe(0);
  expect(audit.recorded).toHaveLength(count);
  return { stdout, stderr, audit };
}

/** What was recorded is what is told. */
function agrees(line: TaskLine | undefined, { status, failure }: RecordedAttempt): boolean {
  switch (line?.outcome) {
    case undefined:
      return false;
    case "succeeded":
      return status === "completed";
    case "failed":
      return status === "failed" && line.failure?.type === failure?.type;
    case "cancelled":
      return status === "failed" && failure?.type === "ActivityCancelled";
    default:
      return status === "timed_out" || status === "expired";
  }
}

it(`dev tells each end of ${COUNT} activities once, as it is recorded (CHAIN_SEED=${SEED})`, {
  timeout: 600_000,
}, async () => {
  const { stdout, stderr, audit } = await throughDev("work", COUNT, ["--json"]);
  expect(wrongLines(stdout, audit.recorded, agrees)).toEqual([]);
  expect(stdout).not.toMatch(STEERING);
  expect(stderr).not.toMatch(STEERING);
});

it(`what activities say does not steer the terminal of dev (CHAIN_SEED=${SEED})`, async () => {
  const { stdout, stderr } = await throughDev("work", Math.ceil(COUNT / 4), []);
  expect(stdout).not.toMatch(STEERING);
  expect(stderr).not.toMatch(STEERING);
});

it(`what an activity leaves alone in its process ends no other in dev (CHAIN_SEED=${SEED})`, async () => {
  const { stdout, audit } = await throughDev("stray", Math.ceil(COUNT / 4), ["--json"]);
  expect(wrongLines(stdout, audit.recorded, agrees)).toEqual([]);
});
