import { createServer } from "node:http";
import { listen } from "@durable-workflow/test-support/loopback";
import { describe, expect, it, onTestFinished } from "vitest";
import { changesBetween } from "../src/engine/engine-event.js";
import { begin, folderOf, jsonLines, run } from "./support/cli.js";

describe("dw-carrier tail", () => {
  it("follows the engine's events, those that are asked for", async () => {
    const cwd = folderOf({
      "a.mjs": 'export const greet = () => 1; export const fail = () => { throw new Error("x"); };',
    });
    await begin(["dev", "a.mjs", "--engine-port", "0", "--memory", "--json"], { cwd }).until(/"listening"/);
    const all = begin(["tail", "--json"], { cwd });
    const some = begin(["tail", "--events", "closed", "--query", "status=failed type=f* id!=other"], { cwd });
    // What happens before they listen is not told.
    for (let count = 0; !all.stdout.includes("warm-up") && count < 50; count++) {
      await run(["start", "greet", "--id", `warm-up-${count}`], { cwd });
    }
    for (const [type, id] of [
      ["greet", "g"],
      ["fail", "f"],
      ["fail", "other"],
    ] as const) {
      await run(["start", type, "--id", id], { cwd });
    }
    await all.until(/"activity\.closed".*"id":"other"/);
    const told = jsonLines(all.stdout).filter(({ id }) => id === "f");
    expect(told.map(({ event, status, attempt }) => [event, status, attempt])).toEqual([
      ["activity.scheduled", "running", 0],
      ["activity.started", "running", 1],
      ["activity.closed", "failed", 1],
    ]);
    expect(told[0]).toMatchObject({
      type: "fail",
      taskQueue: "default",
      at: expect.stringMatching(/^\d{4}-/) as string,
    });
    await some.until(/failed {2}fail {2}f {2}queue default {2}attempt 1\n/);
    const { code, stdout } = await some.stop();
    expect([code, stdout.trimEnd().split("\n")]).toEqual([0, [expect.stringContaining("  f  ")]]);
  });

  it("asks an engine that streams no events", async () => {
    const activities: object[] = [];
    const server = await listen(
      createServer((request, response) => {
        const isList = request.url?.startsWith("/api/activities") === true;
        response.writeHead(isList ? 200 : 404, { "content-type": "application/json" });
        response.end(JSON.stringify(isList ? { activities, next_page_token: null } : { message: "no" }));
      }),
    );
    onTestFinished(() => server.close());
    const tail = begin(["tail", "--json", "--server", server.url]);
    await tail.until(/streams no events/);
    const one = {
      activity_id: "a",
      workflow_run_id: "r",
      activity_type: "greet",
      task_queue: "q",
      status: "running",
      started_at: "2026-01-01T00:00:00Z",
      closed_at: null,
    };
    activities.push(one);
    await tail.until(/"activity\.scheduled"/);
    activities[0] = { ...one, status: "completed", closed_at: "2026-01-01T00:00:01Z" };
    await tail.until(/"activity\.closed".*"status":"completed"/);
  });

  it.each([
    [["tail", "--events", "clsed"], 2, "--events has no clsed"],
    [["tail", "--query", "older=1h"], 2, "neither business keys nor ages"],
    [["tail", "--server", "http://127.0.0.1:1"], 69, "cannot be reached"],
  ])("%j makes no sense", async (args, code, message) => {
    const ended = await run(args, { cwd: folderOf() });
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(message)]);
  });
});

it("what two lists tell of what happened in between", () => {
  const one = (id: string, status: string) => ({
    activity_id: id,
    workflow_run_id: id,
    activity_type: "t",
    task_queue: "q",
    status,
    started_at: "2026-01-01T00:00:00Z",
    closed_at: status === "running" ? null : "2026-01-01T00:00:01Z",
    business_key: null,
  });
  const before = [one("b", "running"), one("a", "completed")];
  const after = [one("d", "failed"), one("c", "running"), one("b", "completed"), one("a", "completed")];
  expect(changesBetween(before, after).map(({ event, id, status }) => [event.slice(9), id, status])).toEqual([
    ["closed", "b", "completed"],
    ["scheduled", "c", "running"],
    ["scheduled", "d", "running"],
    ["closed", "d", "failed"],
  ]);
});
