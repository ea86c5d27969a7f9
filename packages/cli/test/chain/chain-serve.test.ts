import { expect, it } from "vitest";
import { begin } from "../support/cli.js";
import type { RecordedAttempt } from "./audit.js";
import { Chain } from "./chain.js";
import { ACTIVITIES, environmentFor, STEERING, type TaskLine, wrongLines } from "./commands.js";
import { expectEndsOnce } from "./ends-once.js";
import { handlerStep } from "./handler-steps.js";
import { countOr, SEED, scenarios } from "./scenario.js";

const COUNT = countOr(100);

/** What `serve` answered is what is recorded, unless the engine refused it, or a limit of others came first. */
function agrees(line: TaskLine | undefined, { status, failure }: RecordedAttempt): boolean {
  if (status === "timed_out" || failure?.type === "CarrierTimeout") return true;
  if (failure?.type === "ReportRejected") return line?.outcome === "succeeded";
  if (line?.outcome === "succeeded") return status === "completed";
  return line !== undefined && status === "failed" && line.failure?.type === failure?.type;
}

it(`serve tells each end of ${COUNT} activities once, as it is recorded (CHAIN_SEED=${SEED})`, {
  timeout: 600_000,
}, async () => {
  const all = scenarios(handlerStep, COUNT);
  const serve = begin(["serve", ACTIVITIES, "--port", "0", "--json"], { env: environmentFor(COUNT) });
  const [, url = ""] = await serve.until(/(http:\/\/127\.0\.0\.1:\d+\/?)/);
  const chain = new Chain();
  const engineUrl = await chain.listen();
  try {
    await chain.dispatch(engineUrl, { work: url });
    const audit = await expectEndsOnce(chain, "work", all);
    const { stdout, stderr, code } = await serve.stop();
    expect(code, stderr).toBe(0);
    expect(wrongLines(stdout, audit.recorded, agrees)).toEqual([]);
    expect(stdout).not.toMatch(STEERING);
    expect(stderr).not.toMatch(STEERING);
  } finally {
    await chain.close();
  }
});
