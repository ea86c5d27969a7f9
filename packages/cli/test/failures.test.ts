import { createLocalEngine } from "@durable-workflow/local-engine";
import { describe, expect, it, onTestFinished } from "vitest";
import { begin, folderOf, jsonLines, run } from "./support/cli.js";
import { runHere } from "./support/run-here.js";

const ACTIVITIES = `
function innermost() { throw new Error("no paper", { cause: new TypeError("tray 2 is empty") }); }
export const print = () => innermost();
`;

it("the stack trace of a failure, and those of its causes, are shown by start and show", async () => {
  const cwd = folderOf({ "a.mjs": ACTIVITIES });
  const dev = begin(["dev", "a.mjs", "--engine-port", "0", "--memory", "--json"], { cwd });
  await dev.until(/"engineUrl"/);
  const started = await run(["start", "print", "--id", "p", "--max-attempts", "2", "--backoff", "0"], { cwd });
  const shown = await run(["show", "p"], { cwd });
  for (const { stdout } of [started, shown]) {
    expect(stdout).toMatch(/^ *stack +at innermost \(.*a\.mjs:2:\d+\)$/m);
    expect(stdout).toMatch(/^ +Caused by: TypeError: tray 2 is empty/im);
    // Each line but the first is moved in: what others wrote does not begin a line.
    expect(stdout).not.toMatch(/^(?:at |caused)/m);
  }
  const story = JSON.parse((await run(["show", "p", "--json"], { cwd })).stdout) as {
    failure: { stackTrace: string };
    attempts: { failure: { stackTrace: string } }[];
  };
  expect([story.failure, ...story.attempts.map(({ failure }) => failure)].map(({ stackTrace }) => stackTrace)).toEqual(
    Array.from({ length: 3 }, () => expect.stringMatching(/innermost[^]*tray 2 is empty/) as string),
  );
});

describe("attempts without --backoff", () => {
  it("are some time apart, which is told", async () => {
    const engine = createLocalEngine({ file: ":memory:" });
    onTestFinished(() => engine.close());
    const { url } = await engine.listen();
    const start = async (...args: string[]) =>
      (await runHere(["start", "x", "--detach", "--server", url, ...args])).stdout;
    expect(await start("--max-attempts", "2000")).toContain(
      "up to 2000 attempts, 1, 2, 4, 8, 16, 32, 60 (then always 60) seconds apart; --backoff says otherwise\n",
    );
    expect(await start("--max-attempts", "3")).toContain("up to 3 attempts, 1, 2 seconds apart");
    expect(await start("--max-attempts", "3", "--backoff", "0")).not.toContain("apart");
    expect(await start()).not.toContain("apart");
    const [event] = jsonLines(await start("--max-attempts", "2", "--json"));
    expect(event).toMatchObject({ maxAttempts: 2, backoffSeconds: [1, 2, 4, 8, 16, 32, 60] });
  });
});
