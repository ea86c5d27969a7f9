import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { activityTaskEnvelope } from "@durable-workflow/engine-protocol/worker";
import { until } from "@durable-workflow/test-support/patience";
import { describe, expect, it } from "vitest";
import { leasedTask, resultFor } from "../../test/support/tasks.js";
import { systemClock } from "../time/clock.js";
import { ProcessDeliverer, type ProcessDelivery } from "./process-carrier.js";

const body = JSON.stringify(activityTaskEnvelope(leasedTask(), { renewedBy: "d", traceparent: "00-1-2-01" }));

function deliver(script: string, wishes: Partial<ProcessDelivery> = {}, environment: Record<string, string> = {}) {
  const deliverer = new ProcessDeliverer({
    clock: systemClock,
    environment: { ...process.env, DURABLE_WORKFLOW_AUTH_TOKEN: "engine-s3cret" },
    outputLimitBytes: 100_000,
  });
  return deliverer.deliver({
    carrier: {
      type: "process",
      name: "p",
      command: [process.execPath, "-e", script],
      environment,
      timeoutSeconds: null,
    },
    body,
    limit: { name: "timeout_seconds", ms: 20_000 },
    signal: new AbortController().signal,
    ...wishes,
  });
}

/** Reads the envelope from standard input, then does something with it as `task`. */
const reading = (script: string): string =>
  `let text = ""; process.stdin.on("data", (chunk) => text += chunk).on("end", () => { const task = JSON.parse(text); ${script} })`;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("a process", () => {
  it("gets the envelope on standard input, and answers on standard output", async () => {
    const result = JSON.stringify(resultFor());
    const answer = await deliver(
      reading(`console.error("log of", task.task.id); process.stdout.write(${JSON.stringify(result)})`),
    );
    expect(answer).toEqual({
      kind: "process",
      exitCode: 0,
      signal: null,
      stdout: { text: result, blobs: new Map() },
      stderrPreview: "log of task-7\n",
    });
  });

  it("gets its carrier's environment and the usual, and no credentials of ours", async () => {
    const script =
      "console.log(JSON.stringify([process.env.LAMP, process.env.DURABLE_WORKFLOW_AUTH_TOKEN, !!process.env.PATH]))";
    expect(await deliver(script, {}, { LAMP: "7" })).toMatchObject({
      stdout: { text: '["7",null,true]\n', blobs: new Map() },
    });
  });

  it.each([64, 70, 75, 130])("ends with exit code %s", async (code) => {
    expect(await deliver(`process.exit(${code})`)).toMatchObject({ kind: "process", exitCode: code });
  });

  it("that is killed says by what", async () => {
    expect(await deliver('process.kill(process.pid, "SIGKILL")')).toMatchObject({ exitCode: null, signal: "SIGKILL" });
  });

  it("that is not there cannot be reached", async () => {
    const carrier = {
      type: "process",
      name: "p",
      command: ["/no/such/program"],
      environment: {},
      timeoutSeconds: 1,
    } as const;
    expect(await deliver("", { carrier })).toMatchObject({
      kind: "unreachable",
      why: expect.stringContaining("ENOENT"),
    });
  });

  it("whose command cannot even be asked for cannot be reached", async () => {
    const command = [process.execPath, "-e", "a\0b"];
    const carrier = { type: "process", name: "p", command, environment: {}, timeoutSeconds: 1 } as const;
    expect(await deliver("", { carrier })).toMatchObject({ kind: "unreachable" });
  });

  it("that does not read its input is judged by its end", async () => {
    const large = { body: JSON.stringify({ filler: "x".repeat(5_000_000) }) };
    expect(await deliver("process.exit(75)", large)).toMatchObject({ kind: "process", exitCode: 75 });
  });

  it("that writes too much is stopped", async () => {
    const endless =
      'const more = () => { while (process.stdout.write("x".repeat(65536))); process.stdout.once("drain", more); }; more()';
    expect(await deliver(endless)).toMatchObject({ kind: "process", stdout: { problem: "too_large" } });
  });

  it("is ended at its limit with everything it has started, even when it does not want to", async () => {
    const stubborn = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.error(process.pid)`;
    const parent = `
      const child = require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(stubborn)}], { stdio: ["ignore", "ignore", "pipe"] });
      child.stderr.on("data", (pid) => require("node:fs").writeFileSync(FILE, pid));
      process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);`;
    const folder = mkdtempSync(join(tmpdir(), "process-carrier-"));
    const file = join(folder, "pid");
    const script = parent.replace("FILE", JSON.stringify(file));
    const abort = new AbortController();
    const delivery = deliver(script, { signal: abort.signal });
    await until(() => existsSync(file) && readFileSync(file, "utf8").endsWith("\n"), "the grandchild");
    const pid = Number(readFileSync(file, "utf8"));
    expect(isAlive(pid)).toBe(true);
    abort.abort();
    expect(await delivery).toEqual({ kind: "aborted" });
    await until(() => !isAlive(pid), "the grandchild's end");
    rmSync(folder, { recursive: true });
  });

  it("has no more time than its limit", async () => {
    const limit = { name: "start_to_close", ms: 200 };
    expect(await deliver("setInterval(() => {}, 1000)", { limit })).toEqual({
      kind: "timeout",
      limit: "start_to_close",
      afterMs: 200,
    });
    expect(await deliver("", { limit: { name: "start_to_close", ms: 0 } })).toMatchObject({ kind: "timeout" });
  });
});
