import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ExecutorConfigError } from "@durable-workflow/engine-protocol/executor-config";
import { until } from "@durable-workflow/test-support/patience";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDispatcher } from "../src/dispatch/dispatcher.js";
import type { DispatcherOptions } from "../src/dispatch/options.js";
import { type HealthServer, serveHealth } from "../src/service/health-server.js";
import { logEvents } from "../src/service/log-lines.js";
import { createLogger } from "../src/service/logs.js";
import { createMetrics } from "../src/service/metrics.js";
import { type Activity, completes, type EngineOptions, type EngineUnderTest } from "./support/engine-under-test.js";
import { ENGINES } from "./support/engines.js";
import { DONE, type ForeignCarrier, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";

const folder = mkdtempSync(join(tmpdir(), "dispatcher-service-"));
const file = join(folder, "executor.json");
afterAll(() => rmSync(folder, { recursive: true }));

let makeEngine: (options?: EngineOptions) => EngineUnderTest;
let engine: EngineUnderTest;
let carrier: ForeignCarrier;
let running: Running | undefined;
let held: (() => void)[] = [];

const holdOrFinish = (envelope: { readonly [key: string]: unknown }): unknown =>
  JSON.stringify(envelope).includes("hold") ? new Promise((resolve) => held.push(() => resolve(DONE))) : DONE;

async function beginOn(make: (options?: EngineOptions) => EngineUnderTest): Promise<void> {
  makeEngine = make;
  held = [];
  engine = make();
  await engine.start();
  carrier = await startForeignCarrier(holdOrFinish);
}

afterEach(async () => {
  await running?.dispatcher.drain();
  running = undefined;
  await carrier.close();
  await engine.stop();
});

const writeConfig = (types: readonly string[], url = carrier.url): void =>
  writeFileSync(file, JSON.stringify(oneCarrier(url, types)));

async function begin(options: DispatcherOptions = {}): Promise<Running> {
  running = await startDispatcher(engine, { configPath: file, configCheckMs: 50, ...options });
  return running;
}

describe.each(ENGINES)("on $name,", ({ make }) => {
  beforeEach(() => beginOn(make));

  describe("a config that a function returns", () => {
    it("is asked for again at a reload; a broken one leaves the old one in use", async () => {
      let types = ["t.one"];
      const config = (): unknown => oneCarrier(carrier.url, types);
      running = await startDispatcher(engine, { config });
      await completes(engine, { type: "t.one" });
      types = ["t.two"];
      expect(await running.dispatcher.reload()).toBe(true);
      await completes(engine, { type: "t.two" });
      types = ["t.two", "t.two"];
      expect(await running.dispatcher.reload()).toBe(false);
      await completes(engine, { type: "t.two" });
    });
  });

  describe("the config file", () => {
    it("is put to work when it changes, without dropping what is in flight", async () => {
      writeConfig(["hold.on", "t.one"]);
      const { dispatcher, eventsOf } = await begin();
      const before = await engine.schedule({ type: "hold.on" });
      await until(() => held.length === 1, "the held task");
      const second = await startForeignCarrier();
      writeConfig(["t.two"], second.url);
      await until(() => eventsOf("config_loaded").length === 2, "the new config");
      await completes(engine, { type: "t.two" });
      expect(second.received).toHaveLength(1);
      await until(() => dispatcher.health().inFlight === 1, "the held task alone in flight");
      held[0]?.();
      await engine.untilStatus(before, "completed");
      expect(before.attempts).toHaveLength(1);
      await second.close();
    });

    it("that is broken leaves the old one in use, and says so once", async () => {
      writeConfig(["t.one"]);
      const { dispatcher, eventsOf } = await begin();
      writeFileSync(file, '{"schema": ');
      await until(() => eventsOf("config_rejected").length === 1, "the refusal");
      expect(eventsOf("config_rejected")[0]?.errors[0]?.code).toBe("invalid_json");
      expect(dispatcher.health().configErrors).toHaveLength(1);
      await completes(engine, { type: "t.one" });
      expect(await dispatcher.reload()).toBe(false);
      writeConfig(["t.one", "t.two"]);
      expect(await dispatcher.reload()).toBe(true);
      expect(dispatcher.health().configErrors).toEqual([]);
      await completes(engine, { type: "t.two" });
    });

    it("that is gone leaves the old one in use, too", async () => {
      writeConfig(["t.one"]);
      const { eventsOf } = await begin();
      rmSync(file);
      await until(() => eventsOf("config_rejected").length === 1, "the refusal");
      await completes(engine, { type: "t.one" });
      writeConfig(["t.one"]);
      await until(() => eventsOf("config_loaded").length === 2, "the config");
    });

    it("that is broken from the start is refused with everything that is wrong", async () => {
      writeFileSync(file, JSON.stringify({ ...oneCarrier("http://lamps.example/", ["a"]), version: 2 }));
      const error: unknown = await createDispatcher({ configPath: file, environment: {} })
        .start()
        .catch((caught: unknown) => caught);
      expect(error instanceof ExecutorConfigError && error.errors.map(({ code }) => code)).toEqual([
        "unsupported_version",
        "invalid_carrier_target",
        "missing_invocable_auth_ref",
      ]);
    });

    it("is named by the environment, and so is its overlay", async () => {
      const config = {
        ...oneCarrier("http://127.0.0.1:1/", ["t.one"]),
        overlays: { here: { carriers: { web: { url: carrier.url } } } },
      };
      writeFileSync(file, JSON.stringify(config));
      const environment = { DW_EXTERNAL_EXECUTOR_CONFIG_PATH: file, DW_EXTERNAL_EXECUTOR_CONFIG_OVERLAY: "here" };
      running = await startDispatcher(engine, { environment });
      await completes(engine, { type: "t.one" });
      expect(running.dispatcher.effectiveConfiguration()).toMatchObject({
        connection: { serverUrl: { value: engine.url, source: "flag" }, token: { value: "redacted", source: "flag" } },
        configFile: { value: { basename: "executor.json" }, source: "environment" },
        configOverlay: { value: "here", source: "environment" },
      });
      expect(JSON.stringify(running.dispatcher.effectiveConfiguration())).not.toContain(folder);
    });

    it("must map an activity, at the start and later", async () => {
      const hook = { name: "h", kind: "workflow_start", carrier: "bridge", handler: "h" };
      const bridge = { bridge: { type: "http", url: "https://bridge.example/" } };
      const none = { ...oneCarrier("", []), carriers: bridge, mappings: [hook] };
      writeFileSync(file, JSON.stringify(none));
      await expect(startDispatcher(engine, { configPath: file })).rejects.toThrow("maps no activity");
      writeConfig(["t.one"]);
      const { dispatcher, eventsOf } = await begin();
      writeFileSync(file, JSON.stringify(none));
      await until(() => eventsOf("config_rejected").length === 1, "the refusal");
      expect(dispatcher.health().configErrors).toHaveLength(1);
      await completes(engine, { type: "t.one" });
    });

    it("is needed, or queues are", async () => {
      await expect(createDispatcher({ environment: {}, profilesPath: "none.json" }).start()).rejects.toThrow(
        "queues or an executor config is needed",
      );
    });
  });

  describe("a drain", () => {
    it("stops leasing, lets tasks finish, deregisters, and is the same for all who ask", async () => {
      writeConfig(["hold.on", "t.one"]);
      const { dispatcher, eventsOf } = await begin();
      const inFlight = await engine.schedule({ type: "hold.on" });
      await until(() => held.length === 1, "the held task");
      const drained = dispatcher.drain();
      expect(dispatcher.health()).toMatchObject({ state: "draining", ready: false, live: true });
      await until(() => dispatcher.health().lanes[0]?.state === "stopped", "the end of polling");
      const later = await engine.schedule({ type: "t.one" });
      held[0]?.();
      expect(await drained).toEqual({ abandoned: 0 });
      expect(await dispatcher.drain()).toEqual({ abandoned: 0 });
      await engine.refresh();
      expect(inFlight.status).toBe("completed");
      expect(later.attempts).toEqual([]);
      expect(await engine.workerIds()).toEqual([]);
      expect(dispatcher.health()).toMatchObject({ state: "stopped", live: false, inFlight: 0 });
      expect(eventsOf("stopped")).toEqual([{ type: "stopped", abandoned: 0 }]);
    });

    it("gives up at its limit: the carrier sees its client go, nothing is reported, the engine hands out again", async () => {
      writeConfig(["hold.on"]);
      const { dispatcher, eventsOf } = await begin({ drainMs: 100 });
      const execution = await engine.schedule({ type: "hold.on" });
      await until(() => held.length === 1, "the held task");
      expect(await dispatcher.drain()).toEqual({ abandoned: 1 });
      await engine.refresh();
      expect(execution.outcomes).toEqual([]);
      expect(execution.status).toBe("running");
      expect(eventsOf("task_ended")).toMatchObject([{ end: "abandoned" }]);
    });

    it("does not wait past its limit for an engine that takes no report", async () => {
      writeConfig(["t.one"]);
      const { dispatcher, eventsOf } = await begin({ drainMs: 200 });
      engine.interfere = ({ verb }) => (verb === "complete" ? { status: 503, body: "{}" } : undefined);
      await engine.schedule({ type: "t.one" });
      await until(() => eventsOf("report_retried").length > 0, "a report that fails");
      expect(await dispatcher.drain()).toEqual({ abandoned: 1 });
      expect(eventsOf("task_ended")).toMatchObject([{ end: "abandoned" }]);
    });

    it("ends a dispatcher that was never started", async () => {
      expect(await createDispatcher({ environment: {} }).drain()).toEqual({ abandoned: 0 });
    });
  });

  describe("health", () => {
    let server: HealthServer;
    const status = async (path: string): Promise<number> => (await fetch(server.url + path)).status;

    it("tells the truth from start to stop", async () => {
      writeConfig(["t.one"]);
      engine.interfere = ({ verb }) => (verb === "cluster_info" ? { status: 503, body: "" } : undefined);
      const { dispatcher } = await begin();
      server = await serveHealth(dispatcher, { metrics: createMetrics(dispatcher) });
      expect([await status("/livez"), await status("/readyz")]).toEqual([200, 503]);
      engine.interfere = () => undefined;
      await until(() => dispatcher.health().ready, "readiness");
      expect([await status("/livez"), await status("/readyz"), await status("/metrics")]).toEqual([200, 200, 200]);
      expect([await status("/other"), (await fetch(`${server.url}/livez`, { method: "POST" })).status]).toEqual([
        404, 405,
      ]);
      engine.interfere = ({ verb }) => (verb === "poll" ? { status: 500, body: "{}" } : undefined);
      await until(() => !dispatcher.health().ready, "unreadiness");
      engine.interfere = () => undefined;
      await until(() => dispatcher.health().ready, "readiness");
      await dispatcher.drain();
      expect([await status("/livez"), await status("/readyz")]).toEqual([503, 503]);
      await server.close();
    });

    it("counts what happened", async () => {
      writeConfig(["t.one"]);
      const { dispatcher, eventsOf } = await begin();
      const metrics = createMetrics(dispatcher, { processMetrics: true });
      await completes(engine, { type: "t.one" });
      await until(() => eventsOf("task_ended").length === 1, "the end");
      const text = await metrics.metrics();
      expect(text).toContain('dw_dispatcher_tasks_total{carrier="web",activity_type="t.one",end="completed"} 1');
      expect(text).toContain('dw_dispatcher_deliveries_total{carrier="web",outcome="answered"} 1');
      expect(text).toContain('dw_dispatcher_task_seconds_count{carrier="web"} 1');
      expect(text).toContain("dw_dispatcher_in_flight 0");
      expect(text).toContain('dw_dispatcher_carrier_open{carrier="web"} 0');
      expect(text).toContain('dw_dispatcher_lanes{state="polling"} 1');
      expect(text).toContain("process_cpu_seconds_total");
    });
  });

  describe("secrets", () => {
    it("are in no event, log line, metric, page, error or report", async () => {
      const planted = ["engine-s3cret-1", "carrier-s3cret-2", "file-s3cret-3", "profile-s3cret-4"];
      const [engineToken = "", envToken = "", fileToken = "", profileToken = ""] = planted;
      await engine.stop();
      engine = makeEngine({ token: engineToken });
      await engine.start();
      const tokenFile = join(folder, "token");
      writeFileSync(tokenFile, fileToken);
      const profilesPath = join(folder, "profiles.json");
      const profile = {
        server: engine.url,
        namespace: "default",
        token_source: { type: "literal", value: engineToken },
      };
      const carrierProfile = { token_source: { type: "literal", value: profileToken } };
      const profiles = {
        schema: "durable-workflow.cli.config",
        current_env: "p",
        envs: { p: profile, c: carrierProfile },
      };
      writeFileSync(profilesPath, JSON.stringify(profiles));
      // A carrier that throws back whatever it gets, in every way there is.
      let turn = 0;
      const echo = await startForeignCarrier((envelope, answer, request) => {
        const heard = JSON.stringify(request.headers);
        turn++;
        if (turn % 4 === 0) return DONE;
        if (turn % 4 === 1) answer.writeHead(500, { "x-echo": heard }).end(heard);
        else if (turn % 4 === 2) answer.writeHead(302, { location: `https://x/?${heard.slice(0, 50)}` }).end(heard);
        else answer.end(JSON.stringify({ schema: heard, envelope }));
        return undefined;
      });
      const names = ["env", "file", "profile"];
      const config = {
        ...oneCarrier(echo.url, names),
        auth_refs: {
          env: { type: "env", env: "LAMP" },
          file: { type: "token_file", path: tokenFile },
          profile: { type: "profile", profile: "c" },
        },
        mappings: names.map((name) => ({
          name,
          kind: "activity",
          activity_type: name,
          carrier: "web",
          handler: "h",
          auth_ref: name,
        })),
      };
      writeFileSync(file, JSON.stringify(config));
      running = await startDispatcher(engine, {
        configPath: file,
        configCheckMs: 50,
        profilesPath,
        connection: {},
        environment: { LAMP: envToken },
        breaker: { failures: 1_000 },
      });
      const { dispatcher, events } = running;
      const lines: string[] = [];
      const stop = logEvents(
        dispatcher.events,
        createLogger({ level: "trace" }, { write: (line) => void lines.push(line) }),
      );
      const metrics = createMetrics(dispatcher);
      const server = await serveHealth(dispatcher, { metrics });
      const types = names.flatMap((type) => [type, type, type, type]);
      const executions: Activity[] = [];
      for (const type of types) executions.push(await engine.schedule({ type, maxAttempts: 2 }));
      await engine.until(() => executions.every(({ status }) => status === "completed" || status === "failed"));
      // An engine's error page that repeats the request's headers.
      engine.interfere = ({ verb, headers }) =>
        verb === "poll"
          ? { status: 422, body: JSON.stringify({ reason: "validation_failed", message: JSON.stringify(headers) }) }
          : undefined;
      await until(() => events.some(({ type }) => type === "engine_refused"), "the refusal");
      engine.interfere = () => undefined;
      const bad = {
        ...config,
        carriers: { web: { type: "invocable_http", url: `https://u:${envToken}@x/`, token: fileToken } },
      };
      writeFileSync(file, JSON.stringify(bad));
      await until(() => events.some(({ type }) => type === "config_rejected"), "the rejection");
      const pages = await Promise.all(
        ["/livez", "/readyz", "/metrics"].map(async (path) => (await fetch(server.url + path)).text()),
      );
      await dispatcher.drain();
      stop();
      await server.close();
      await echo.close();

      const reports = engine.calls.map(({ body, path }) => path + JSON.stringify(body));
      const blobs = JSON.stringify(executions.map(({ outcomes }) => outcomes)).match(/"blob":"[^"]+"/g) ?? [];
      const decoded = blobs.map((blob) => Buffer.from(blob.slice(8, -1), "base64").toString("latin1"));
      const shown = {
        events,
        lines,
        pages,
        reports,
        decoded,
        effective: dispatcher.effectiveConfiguration(),
        health: dispatcher.health(),
      };
      expect(lines.length).toBeGreaterThan(50);
      expect(decoded.length).toBeGreaterThan(5);
      expect(lines.some((line) => line.includes(`"taskId":"${executions[0]?.attempts[0]?.taskId}"`))).toBe(true);
      for (const secret of planted) {
        for (const [name, what] of Object.entries(shown)) expect(JSON.stringify(what), name).not.toContain(secret);
      }
      // They were sent where they belong.
      const sent = new Set(echo.received.map(({ headers }) => headers.authorization));
      expect(sent).toEqual(new Set([envToken, fileToken, profileToken].map((token) => `Bearer ${token}`)));
    });
  });

  describe("signals", () => {
    const script = fileURLToPath(new URL("support/service.mjs", import.meta.url));

    function service(): {
      readonly child: ReturnType<typeof spawn>;
      readonly lines: string[];
      readonly exit: Promise<number | null>;
    } {
      const child = spawn(process.execPath, [script], {
        env: { ...process.env, ENGINE: engine.url, DW_EXTERNAL_EXECUTOR_CONFIG_PATH: file },
        stdio: ["ignore", "pipe", "inherit"],
      });
      const lines: string[] = [];
      child.stdout.on("data", (chunk) => lines.push(...String(chunk).split("\n")));
      const exit = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
      return { child, lines, exit };
    }

    it("SIGTERM drains and exits with 0; SIGHUP reloads", async () => {
      writeConfig(["t.one", "hold.on"]);
      const { child, lines, exit } = service();
      await completes(engine, { type: "t.one" });
      writeConfig(["t.one", "t.two", "hold.on"]);
      child.kill("SIGHUP");
      await completes(engine, { type: "t.two" });
      const inFlight = await engine.schedule({ type: "hold.on" });
      await until(() => held.length === 1, "the held task");
      child.kill("SIGTERM");
      await until(() => lines.some((line) => line.includes('"event":"draining"')), "the drain");
      held[0]?.();
      expect(await exit).toBe(0);
      await engine.refresh();
      expect(inFlight.status).toBe("completed");
    });

    it("a second one exits at once", async () => {
      writeConfig(["hold.on"]);
      const { child, lines, exit } = service();
      await engine.schedule({ type: "hold.on" });
      await until(() => held.length === 1, "the held task");
      child.kill("SIGTERM");
      await until(() => lines.some((line) => line.includes('"event":"draining"')), "the drain");
      child.kill("SIGTERM");
      expect(await exit).toBe(143);
    });
  });
});
