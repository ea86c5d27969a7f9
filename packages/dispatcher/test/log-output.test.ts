import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const LINES = 500;

/** What a process writes that logs so many lines and then ends in that way; its reader looks away at first, or for good. */
async function logged(end: string, { lines = LINES, readAfterMs = 0 } = {}) {
  const program = `
    import { createLogger } from "@durable-workflow/dispatcher/logging";
    const logger = createLogger();
    for (let count = 0; count < ${lines}; count++) {
      logger.info({ count }, "A line of usual length, as of a task that has ended.");
      if (count % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    logger.info({ count: ${lines} }, "The last one, which is still to be written.");
    ${end}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: ["ignore", "pipe", "ignore"],
  });
  const closed = once(child, "close");
  let text = "";
  if (readAfterMs === Number.POSITIVE_INFINITY) child.stdout.destroy();
  else if (readAfterMs > 0) await pause(readAfterMs);
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  const [code] = (await closed) as [number | null];
  const counts = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { count: number }).count);
  return { code, counts };
}

const all = (lines: number): number[] => Array.from({ length: lines + 1 }, (_, count) => count);

describe("no line is lost, and all are in order, when the process", () => {
  it.each([
    ["comes to its end", "", 0],
    ["calls process.exit", "process.exit(3);", 3],
    ["throws", 'throw new Error("nobody catches it");', 1],
    ["throws in a timer", "await new Promise(() => setTimeout(() => null.x));", 1],
    ["has a rejection that nobody handles", "void Promise.reject(new Error());", 1],
    ["is told to end, and does", 'process.once("SIGTERM", () => process.exit(0)).kill(process.pid, "SIGTERM");', 0],
    [
      "logs as it exits",
      `process.on("exit", () => logger.info({ count: ${LINES + 1} }, "The very last.")); process.exit(3);`,
      3,
      LINES + 1,
    ],
  ])("%s", async (_, end, code, lines = LINES) => {
    const ended = await logged(end);
    expect(ended.code).toBe(code);
    expect(ended.counts).toEqual(all(lines));
  });

  it("is killed once `flush` has called back", async () => {
    const ended = await logged(
      'logger.flush(() => process.kill(process.pid, "SIGKILL")); await new Promise(() => setTimeout(() => {}, 5_000));',
    );
    expect(ended).toEqual({ code: null, counts: all(LINES) });
  });

  it("has a reader that looks away for a while", async () => {
    const ended = await logged("process.exit(3);", { lines: 5_000, readAfterMs: 1_000 });
    expect(ended).toEqual({ code: 3, counts: all(5_000) });
  });

  it("has no reader any more, which does not end it", async () => {
    const ended = await logged("process.exit(3);", { readAfterMs: Number.POSITIVE_INFINITY });
    expect(ended).toEqual({ code: 3, counts: [] });
  });
});
