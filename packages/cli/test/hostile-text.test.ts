import { readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { describe, expect, it, onTestFinished } from "vitest";
import { serve } from "./support/carriers.js";
import { begin, folderOf, jsonLines, run } from "./support/cli.js";
import { runHere } from "./support/run-here.js";
import { readXml } from "./support/xml.js";

/** Sets the title, clears the screen, goes back in the line, speaks C1, turns the direction, hides, breaks lines. */
const HOSTILE = "\u001b]0;owned\u0007\u001b[2J\rfake\u009b31m\u202etxt.\u2066\u2028\u200b\u{e0041}\u007f\b";
/** How it begins where it was made harmless. */
const SPELT = String.raw`\u001b]0;owned\u0007\u001b[2J`;
/** How it begins in an error of the client, which has no control characters. */
const PLAIN = "]0;owned [2J";
/** How it begins where the dispatcher made it recordable before. */
const MENDED = "\ufffd]0;owned\ufffd\ufffd[2J";
const STEERS = /(?![\n\t])\p{Cc}|[\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e0fff}]/u;

function expectHarmless(
  { stdout, stderr }: { readonly stdout: string; readonly stderr: string },
  forms: readonly string[] = [SPELT],
): void {
  expect(forms.some((form) => (stdout + stderr).includes(form))).toBe(true);
  expect(stdout + stderr).not.toMatch(STEERS);
}

const AT = "2026-11-27T12:00:00.000000Z";
const ACTIVITY = {
  activity_id: `id${HOSTILE}`,
  workflow_run_id: `run${HOSTILE}`,
  activity_type: `type${HOSTILE}`,
  task_queue: `queue${HOSTILE}`,
  namespace: `namespace${HOSTILE}`,
  business_key: HOSTILE,
  activity_status: "failed",
  attempt_count: 2,
  status: "failed",
  closed_reason: "failed",
  started_at: AT,
  closed_at: AT,
  last_progress_at: AT,
  last_heartbeat_at: AT,
  result: null,
};
const FAILURE = {
  message: `message${HOSTILE}`,
  exception_type: `Type${HOSTILE}`,
  exception: { type: HOSTILE, details: { note: HOSTILE }, stack_trace: `at ${HOSTILE}` },
};
const HISTORY = [
  { event_type: "ActivityScheduled", payload: { activity: { arguments: HOSTILE } } },
  { event_type: "ActivityStarted", payload: { attempt_number: 1, task: { lease_owner: HOSTILE } } },
  { event_type: "ActivityHeartbeatRecorded", payload: { progress: { current: 1, unit: HOSTILE, message: HOSTILE } } },
  { event_type: "ActivityRetryScheduled", payload: { ...FAILURE, retry_backoff_seconds: 0 } },
  { event_type: "ActivityStarted", payload: { attempt_number: 2, task: { lease_owner: HOSTILE } } },
  { event_type: "ActivityFailed", payload: FAILURE },
].map(({ event_type, payload }, index) => ({ sequence: index + 1, timestamp: AT, event_type, payload }));

/** An engine that has only such texts, and refuses with them. */
function hostileEngine(request: IncomingMessage, response: ServerResponse): void {
  const { method, url = "" } = request;
  const { pathname } = new URL(url, "http://engine.test");
  const [status, body] =
    pathname === "/api/health"
      ? [200, { status: `serving${HOSTILE}` }]
      : pathname.endsWith("/history")
        ? [200, { events: HISTORY, next_page_token: null }]
        : pathname === "/api/activities"
          ? [200, method === "POST" ? ACTIVITY : { activities: [ACTIVITY], next_page_token: null }]
          : pathname.startsWith("/api/activities/refused")
            ? [422, { message: HOSTILE, errors: { field: [HOSTILE] } }]
            : pathname.startsWith("/api/activities/")
              ? [200, ACTIVITY]
              : [400, { message: HOSTILE }];
  response.writeHead(status as number, { "content-type": "application/json" }).end(JSON.stringify(body));
}

describe("what others wrote does not steer the terminal", () => {
  const forms: readonly (readonly string[])[] = [[], ["--json"]];

  it.each(["list", "list --details", "show x", "start t", "show refused", "cancel x", "doctor"].map((line) => [line]))(
    "%s, of an engine's answers",
    async (line) => {
      const engine = await serve(hostileEngine);
      for (const form of forms) {
        const { code: _, ...said } = await runHere([...line.split(" "), "--server", engine, ...form], {
          cwd: folderOf(),
        });
        expectHarmless(said, [SPELT, PLAIN]);
      }
    },
    40_000,
  );

  it("list keeps its texts, in JSON and each in its line", async () => {
    const engine = await serve(hostileEngine);
    const { stdout } = await runHere(["list", "--server", engine, "--json"]);
    expect(jsonLines(stdout)).toMatchObject([{ id: ACTIVITY.activity_id, type: ACTIVITY.activity_type }]);
    expect((await runHere(["list", "--server", engine])).stdout.split("\n")).toHaveLength(3);
  });

  it("invoke and conformance, of a carrier's answers; the JUnit file is XML", async () => {
    const cwd = folderOf();
    const carrier = await serve((_, response) => response.writeHead(200).end(JSON.stringify({ x: HOSTILE }) + HOSTILE));
    for (const form of forms) {
      expectHarmless(await runHere(["invoke", carrier, "greet", ...form]));
      const args = ["conformance", carrier, "--only", "identity/*", "--accept", `identity/echoed=${HOSTILE}`];
      expectHarmless(await runHere([...args, "--junit", "report.xml", ...form], { cwd }));
    }
    const xml = readFileSync(join(cwd, "report.xml"), "utf8");
    expect(readXml(xml).counts["testcase"]).toBeGreaterThan(0);
    expectHarmless({ stdout: xml, stderr: "" });
  });

  it("inspect and check, of files", async () => {
    const config = {
      schema: "durable-workflow.external-executor.config",
      version: 1,
      carriers: { [`web${HOSTILE}`]: { type: "invocable_http", url: "http://127.0.0.1:1/" } },
      mappings: [
        { name: `m${HOSTILE}`, kind: "activity", task_queue: "q", activity_type: HOSTILE, carrier: `web${HOSTILE}` },
      ],
    };
    const cwd = folderOf({
      "bad.json": JSON.stringify({ ...config, [HOSTILE]: 1 }),
      "message.txt": HOSTILE,
    });
    for (const form of forms) {
      expectHarmless(await runHere(["inspect", "bad.json", ...form], { cwd }));
      expectHarmless(await runHere(["check", "--config", "bad.json", ...form], { cwd }));
      expectHarmless(await runHere(["dispatch", "--config", "bad.json", ...form], { cwd }));
      expectHarmless(await runHere(["doctor", "--config", "bad.json", ...form], { cwd }));
      expectHarmless(await runHere([`list${HOSTILE}`, ...form], { cwd }));
      expectHarmless(await runHere(["list", `--x${HOSTILE}`, ...form], { cwd }));
    }
  });

  it("serve, dev and dispatch, of activities and carriers", async () => {
    const hostile = JSON.stringify(HOSTILE);
    const module = `export default { fails: () => { throw Object.assign(new Error(${hostile}), { name: ${hostile} }); } };`;
    const engine = createLocalEngine({ file: ":memory:" });
    onTestFinished(() => engine.close());
    const { url } = await engine.listen();
    for (const form of forms) {
      const cwd = folderOf({ "a.mjs": module });
      const serving = begin(["serve", "a.mjs", "--port", "0", ...form], { cwd });
      const [carrier = ""] = await serving.until(/http:\/\/127[\d.:]+\//);
      const dev = begin(["dev", "a.mjs", "--engine-port", "0", "--memory", ...form], { cwd });
      await dev.until(/engine/);
      await expect.poll(async () => (await run(["start", "fails", ...form], { cwd })).stdout).toContain(SPELT);
      await dev.until(/owned/);

      const mapping = { name: "fails", kind: "activity", task_queue: "q", activity_type: "fails", handler: "fails" };
      writeFileSync(
        join(cwd, "executor.json"),
        JSON.stringify({
          schema: "durable-workflow.external-executor.config",
          version: 1,
          carriers: { web: { type: "invocable_http", url: carrier } },
          mappings: [{ ...mapping, carrier: "web" }],
        }),
      );
      const dispatch = begin(["dispatch", "--config", "executor.json", "--server", url, ...form], { cwd });
      await run(["start", "fails", "--queue", "q", "--server", url], { cwd });
      await serving.until(/owned/);
      await dispatch.until(/owned/);
      for (const running of [dev, serving]) expectHarmless(await running.stop());
      expectHarmless(await dispatch.stop(), [SPELT, MENDED]);
    }
  });
});
