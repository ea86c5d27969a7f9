import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { describe, expect, it, onTestFinished } from "vitest";
import { begin, folderOf, jsonLines, run } from "./support/cli.js";

const CONTROL_PLANE = { "x-namespace": "default", "x-durable-workflow-control-plane-version": "2" };
const ACTIVITIES = "export const greet = (name) => `Hello, ${name}`; export const wait = () => new Promise(() => {});";

function config(url: string, changes: object = {}): string {
  return JSON.stringify({
    schema: "durable-workflow.external-executor.config",
    version: 1,
    defaults: { task_queue: "lamps", auth_ref: "carrier" },
    auth_refs: { carrier: { type: "env", env: "CARRIER_TOKEN" } },
    carriers: { web: { type: "invocable_http", url } },
    mappings: ["greet", "wait"].map((type) => ({
      name: type,
      kind: "activity",
      activity_type: type,
      carrier: "web",
      handler: type,
    })),
    ...changes,
  });
}

async function engineAndCarrier(): Promise<{ cwd: string; engine: string; carrier: string }> {
  const engine = createLocalEngine({ file: ":memory:" });
  onTestFinished(() => engine.close());
  const { url } = await engine.listen();
  const cwd = folderOf({ "a.mjs": ACTIVITIES });
  const serve = begin(["serve", "a.mjs", "--port", "0", "--json"], { cwd, env: { DW_CARRIER_TOKEN: "s3cret-token" } });
  const [, carrier = ""] = await serve.until(/"url":"([^"]+)"/);
  return { cwd, engine: url, carrier };
}

describe("dispatch", () => {
  it("brings tasks to the carriers of its config until it is told to stop, and is watched over HTTP", async () => {
    const { cwd, engine, carrier } = await engineAndCarrier();
    writeFileSync(join(cwd, "executor.json"), config(carrier));
    const env = { CARRIER_TOKEN: "s3cret-token", DURABLE_WORKFLOW_SERVER_URL: engine };
    const service = begin(["dispatch", "--config", "executor.json", "--health-port", "0", "--drain", "1"], {
      cwd,
      env,
    });
    const [, ready = ""] = await service.until(/^health {2}(\S+)$/m);
    const greeted = await run(["start", "greet", '["Ada"]', "--queue", "lamps"], { cwd, env });
    expect([greeted.code, greeted.stdout]).toEqual([0, expect.stringMatching(/result {5}"Hello, Ada"\n$/)]);
    await service.until(/ {2}greet {2}attempt 1 {2}completed in \d+ ms by web\n/);
    expect((await fetch(ready)).status).toBe(200);
    expect(await (await fetch(ready.replace("readyz", "metrics"))).text()).toContain("dw_dispatcher_tasks_total");

    await run(["start", "wait", "--queue", "lamps", "--detach"], { cwd, env });
    await expect.poll(async () => ((await (await fetch(ready)).json()) as { inFlight: number }).inFlight).toBe(1);
    // What is in flight then is given up, which is worth an exit code.
    const { code, stdout, stderr } = await service.stop("SIGTERM");
    expect(code).toBe(1);
    expect(stdout + stderr).not.toContain("s3cret");
  });

  it("writes JSON lines with --json, and ends with 0 when nothing is in flight", async () => {
    const { cwd, engine, carrier } = await engineAndCarrier();
    writeFileSync(join(cwd, "executor.json"), config(carrier));
    const args = ["dispatch", "--config", "executor.json", "--server", engine, "--json"];
    const service = begin(args, { cwd, env: { CARRIER_TOKEN: "s3cret-token" } });
    await service.until(/"event":"registered"/);
    const { code, stdout } = await service.stop();
    expect(code).toBe(0);
    expect(jsonLines(stdout).map(({ event }) => event)).toEqual(
      expect.arrayContaining(["config_loaded", "registered", "draining", "stopped"]) as unknown[],
    );
  });

  it("has a name of its own, and says at once that a carrier is down when it is not to hold tasks for it", async () => {
    const engine = createLocalEngine({ file: ":memory:" });
    onTestFinished(() => engine.close());
    const { url } = await engine.listen();
    const cwd = folderOf({ "executor.json": config("http://127.0.0.1:9/") });
    const env = { CARRIER_TOKEN: "s3cret-token", DURABLE_WORKFLOW_SERVER_URL: url };
    const args = ["dispatch", "--config", "executor.json", "--worker-id", "lamps-1"];
    const service = begin([...args, "--hold-unreachable", "0", "--no-redeliver-broken", "--max-polls", "1"], {
      cwd,
      env,
    });
    await service.until(/^engine /m);
    const started = await run(["start", "greet", '["Ada"]', "--queue", "lamps"], { cwd, env });
    expect(started.code).toBe(1);
    const { workers } = (await (await fetch(`${url}/api/workers`, { headers: CONTROL_PLANE })).json()) as {
      readonly workers: readonly { readonly worker_id: string }[];
    };
    expect(workers.map(({ worker_id: id }) => id)).toEqual([expect.stringMatching(/^lamps-1/)]);
    expect((await service.stop()).code).toBe(0);
    const wrong = await run(["dispatch", "--config", "executor.json", "--hold-unreachable=-1"], { cwd, env });
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("--hold-unreachable")]);
  });

  it("calls what the engine alone maps when that is allowed, and not before", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES });
    const serve = begin(["serve", "a.mjs", "--port", "0", "--json"], { cwd });
    const [, carrier = ""] = await serve.until(/"url":"([^"]+)"/);
    const path = join(cwd, "engines.json");
    writeFileSync(path, config(carrier, { defaults: { task_queue: "lamps" }, auth_refs: {} }));
    const engine = createLocalEngine({ file: ":memory:", externalExecutorConfig: { path } });
    onTestFinished(() => engine.close());
    const server = ["--server", (await engine.listen()).url];
    const args = ["dispatch", "--queues", "lamps", "--types", "greet", ...server];
    const start = ["start", "greet", '["Ada"]', "--queue", "lamps", ...server];

    const careful = begin(args, { cwd });
    await careful.until(/^engine /m);
    const refused = await run(start, { cwd });
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining("(allowEngineTargets)")]);
    expect((await careful.stop()).code).toBe(0);

    const trusting = begin([...args, "--allow-engine-targets"], { cwd });
    await trusting.until(/^engine /m);
    const greeted = await run(start, { cwd });
    expect([greeted.code, greeted.stdout]).toEqual([0, expect.stringMatching(/result {5}"Hello, Ada"\n$/)]);
    expect(await run(["dispatch", "--types", "greet"], { cwd })).toMatchObject({ code: 2 });
  });

  it("names everything that is wrong with its config, and ends with 78", async () => {
    const cwd = folderOf({ "bad.json": config("http://192.0.2.7/", { version: 2, surprise: true }) });
    const { code, stderr } = await run(["dispatch", "--config", "bad.json"], { cwd });
    expect(code).toBe(78);
    expect(stderr).toMatch(
      /unsupported_version: .*\n(?:.*\n)*.*invalid_schema: surprise(?:.*\n)*.*invalid_carrier_target: /,
    );
    expect(await run(["dispatch"], { cwd })).toMatchObject({ code: 2 });
    const profile = await run(["dispatch", "--config", "bad.json", "--token-env", "NOT_SET"], { cwd });
    expect(profile).toMatchObject({ code: 78, stderr: expect.stringContaining("NOT_SET") as string });
  });
});

describe("check", () => {
  it("shows what a config comes to, without secrets, and what is missing", async () => {
    const cwd = folderOf({ "executor.json": config("https://handlers.example.com/?code=K3Y") });
    const env = { DURABLE_WORKFLOW_AUTH_TOKEN: "s3cret-token" };
    const missing = await run(["check", "--config", "executor.json", "--json"], { cwd, env });
    expect(missing.code).toBe(1);
    expect(jsonLines(missing.stdout)).toEqual([
      {
        ok: false,
        errors: [],
        server: [],
        overlay: null,
        connection: {
          profile: { value: null, source: "default" },
          serverUrl: { value: "http://127.0.0.1:8080", source: "default" },
          namespace: { value: "default", source: "default" },
          tlsVerify: { value: true, source: "default" },
          token: { value: "redacted", source: "environment" },
        },
        mappings: ["greet", "wait"].map((type) => ({
          name: type,
          taskQueue: "lamps",
          activityType: type,
          handler: type,
          carrier: "web",
          authRef: "carrier",
          timeoutSeconds: null,
        })),
        carriers: [
          {
            name: "web",
            type: "invocable_http",
            target: "https://handlers.example.com/?code=redacted",
            timeoutSeconds: null,
          },
        ],
        credentials: [{ name: "carrier", type: "env", where: "CARRIER_TOKEN", found: false, problem: null }],
        online: null,
      },
    ]);
    const found = await run(["check", "--config", "executor.json"], {
      cwd,
      env: { ...env, CARRIER_TOKEN: "other-s3cret" },
    });
    expect(found.code).toBe(0);
    expect(found.stdout).toMatch(/^The config is in order\.\n/);
    expect(found.stdout).toMatch(/\ncarrier +env +CARRIER_TOKEN +found\n/);
    expect(missing.stdout + found.stdout).not.toMatch(/s3cret|K3Y/);
  });

  it("lists every named error, and ends with 78", async () => {
    const cwd = folderOf({
      "bad.json": config("http://192.0.2.7/", {
        mappings: [
          { name: "a", kind: "activity", activity_type: "greet", carrier: "web", handler: "" },
          { name: "a", kind: "activity", activity_type: "greet", carrier: "nobody", handler: "x", auth_ref: "none" },
        ],
      }),
      "torn.json": "{",
    });
    const { code, stdout } = await run(["check", "--config", "bad.json", "--json"], { cwd });
    expect(code).toBe(78);
    const errors = jsonLines(stdout)[0]?.["errors"] as { code: string }[];
    expect(new Set(errors.map((error) => error.code))).toEqual(
      new Set([
        "missing_handler_target",
        "duplicate_mapping_name",
        "invalid_queue_binding",
        "unknown_carrier",
        "unknown_auth_ref",
        "invalid_carrier_target",
      ]),
    );
    const torn = await run(["check", "--config", "torn.json"], { cwd });
    expect([torn.code, torn.stdout]).toEqual([78, expect.stringMatching(/^1 error\n {2}invalid_json: /)]);
    expect((await run(["check", "--config", "bad.json", "--overlay", "x", "--json"], { cwd })).stdout).toContain(
      "unknown_overlay",
    );
    const profile = await run(["check", "--config", "bad.json", "--profile", "nobody", "--json"], { cwd });
    expect(profile.stdout).toContain('"code":"connection"');
  });

  it("--online says what can be reached, and ends with 69 when something cannot", async () => {
    const { cwd, engine, carrier } = await engineAndCarrier();
    const env = { CARRIER_TOKEN: "s3cret-token" };
    writeFileSync(join(cwd, "executor.json"), config(carrier));
    const args = ["check", "--config", "executor.json", "--online", "--json", "--server"];
    const reached = await run([...args, engine], { cwd, env });
    expect(reached.code).toBe(0);
    expect(jsonLines(reached.stdout)[0]?.["online"]).toEqual({
      engine: { url: engine, reachable: true, detail: "answers" },
      carriers: [{ name: "web", reachable: true, detail: "answers 200" }],
    });
    const process = { type: "process", command: ["no-such-program"], environment: { PATH: cwd } };
    writeFileSync(join(cwd, "executor.json"), config(carrier, { carriers: { web: process } }));
    const lost = await run([...args, "http://127.0.0.1:9"], { cwd, env });
    expect(lost.code).toBe(69);
    expect(jsonLines(lost.stdout)[0]?.["online"]).toMatchObject({
      engine: { reachable: false },
      carriers: [{ name: "web", reachable: false, detail: "no-such-program cannot be run" }],
    });
  });
});
