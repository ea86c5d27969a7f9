import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { freePort } from "@durable-workflow/test-support/loopback";
import { describe, expect, it, onTestFinished } from "vitest";
import { begin, type Finished, folderOf, jsonLines, type Running, run } from "./support/cli.js";

const ACTIVITIES = `
let calls = 0;
export const greet = (name) => ({ hello: name });
export const echo = (...values) => values;
export const flaky = () => { if (++calls < 3) throw new Error("call " + calls); return calls; };
export const declined = () => { throw Object.assign(new Error("no money"), { name: "Declined" }); };
export const wait = () => new Promise(() => {});
`;

/** A module whose activity tells of its progress, written without the library. */
const PROGRESS = `
import { defineActivity } from ${JSON.stringify(import.meta.resolve("@durable-workflow/carrier"))};
const run = async (context) => {
  for (let month = 0; month < 1000; month++) {
    context.heartbeat({ current: month, total: 1000, unit: "months", message: "M" + month });
    await new Promise((resolve) => setTimeout(resolve, 100));
    context.signal.throwIfAborted();
  }
};
export default { slow: defineActivity({ name: "slow", run }) };
`;

async function devIn(
  cwd: string,
  files: readonly string[],
  ...args: string[]
): Promise<{ dev: Running; engineUrl: string }> {
  const dev = begin(["dev", ...files, "--engine-port", "0", "--json", ...args], { cwd });
  const [, engineUrl = ""] = await dev.until(/"engineUrl":"([^"]+)"/);
  return { dev, engineUrl };
}

const last = ({ stdout }: Finished): Record<string, unknown> => jsonLines(stdout).at(-1) ?? {};

describe("dev and what it serves", () => {
  it("starts, follows, lists and shows activities with nothing said of where they are", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES });
    const { dev } = await devIn(cwd, ["a.mjs"], "--queue", "lamps");

    const greeted = await run(["start", "greet", '["Ada"]'], { cwd });
    expect(greeted).toMatchObject({ code: 0, stderr: "" });
    expect(greeted.stdout).toMatch(
      /^greet {2}\S+ {2}queue lamps of http:\S+\n {2}attempt 1 {2}running\n {2}completed {2}after [\d.]+ m?s and 1 attempt\n {2}result {5}\{"hello":"Ada"\}\n$/,
    );

    const flaky = await run(["start", "flaky", "--max-attempts", "3", "--backoff", "0,0", "--id", "f-1", "--json"], {
      cwd,
    });
    expect(flaky.code).toBe(0);
    expect(jsonLines(flaky.stdout).map(({ event }) => event)).toEqual([
      "started",
      "attempt_started",
      "attempt_failed",
      "attempt_started",
      "attempt_failed",
      "attempt_started",
      "closed",
    ]);
    expect(last(flaky)["activity"]).toMatchObject({ id: "f-1", status: "completed", result: 3, maxAttempts: 3 });

    const declined = await run(["start", "declined", "--id", "d-1"], { cwd });
    expect(declined.code).toBe(1);
    expect(declined.stdout).toMatch(/ Declined: no money\n {2}failed {5}after [\d.]+ m?s and 1 attempt\n/);

    const list = await run(["list"], { cwd });
    expect(list.stdout.split("\n").map((line) => line.split(/ {2,}/).slice(0, 4).join(" "))).toEqual([
      "ID TYPE QUEUE STATUS",
      "d-1 declined lamps failed",
      "f-1 flaky lamps completed",
      expect.stringMatching(/ greet lamps completed$/),
      "",
    ]);
    const failed = jsonLines((await run(["list", "--json", "--status", "failed", "--details"], { cwd })).stdout);
    expect(failed).toMatchObject([{ id: "d-1", failure: { type: "Declined", message: "no money" } }]);
    expect(jsonLines((await run(["list", "--limit", "1", "--json"], { cwd })).stdout)).toHaveLength(1);

    const shown = await run(["show", "f-1"], { cwd });
    expect(shown.stdout).toMatch(/status +completed\n/);
    expect(shown.stdout).toMatch(/\n2 +failed +\S+ +\d+ ms +\S+ +Error: call 2\n/);
    // What `start` told, and which of its payloads the engine keeps apart.
    const { activity } = last(flaky) as { readonly activity: object };
    expect(jsonLines((await run(["show", "f-1", "--json"], { cwd })).stdout)).toEqual([
      { ...activity, references: [] },
    ]);

    expect((await dev.stop()).code).toBe(0);
    expect(existsSync(join(cwd, ".dw", "dev.json"))).toBe(false);
    expect(
      jsonLines(dev.stdout)
        .filter(({ event }) => event === "task")
        .map(({ type, outcome }) => [type, outcome]),
    ).toEqual([
      ["greet", "succeeded"],
      ["flaky", "failed"],
      ["flaky", "failed"],
      ["flaky", "succeeded"],
      ["declined", "failed"],
    ]);
  });

  it("arguments keep their kinds on the way there and back", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES });
    await devIn(cwd, ["a.mjs"], "--memory");
    const args = '[7, 7.5, 9007199254740993, {"$type":"bytes","base64":"AP8="}, {"a": [null, true]}, {}]';
    const { stdout } = await run(["start", "echo", "-", "--json"], { cwd, stdin: args });
    expect(jsonLines(stdout).at(-1)?.["activity"]).toMatchObject({
      result: [
        7,
        7.5,
        { $type: "long", value: "9007199254740993" },
        { $type: "bytes", base64: "AP8=" },
        { a: [null, true] },
        { $type: "map", entries: [] },
      ],
    });
    expect(existsSync(join(cwd, ".dw", "engine.sqlite"))).toBe(false);
  });

  it.each([
    ["cancel", "cancelled", "a cancellation was asked for"],
    ["terminate", "terminated", "a termination was asked for"],
  ])(
    "%s ends what runs, and its handler hears of it",
    async (command, status, said) => {
      const cwd = folderOf({ "a.mjs": PROGRESS });
      const { dev } = await devIn(cwd, ["a.mjs"]);
      const started = begin(["start", "slow", "--id", "s-1", "--heartbeat-timeout", "2"], { cwd });
      await started.until(/\[#+-+\] \d+\/1000 months {2}M\d+/);
      const stopped = await run([command, "s-1", "--reason", "enough", "--json"], { cwd });
      expect([stopped.code, jsonLines(stopped.stdout)]).toEqual([0, [{ id: "s-1", status }]]);
      const { code, stdout } = await started.ended;
      expect(code).toBe(1);
      expect(stdout).toContain(said);
      expect(stdout).toMatch(new RegExp(`  ${status} +after [0-9.]+ m?s and 1 attempt\n$`));
      await dev.until(/"event":"task".*"type":"slow".*"outcome":"cancelled"/);
      const again = await run([command, "s-1"], { cwd });
      expect([again.code, again.stderr]).toEqual([
        1,
        "dw-carrier: the activity s-1 is over\ndw-carrier show s-1 tells how it ended.\n",
      ]);
    },
    40_000,
  );

  it("keeps activities over a restart, and a second one on the same folder is refused", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES });
    const { dev } = await devIn(cwd, ["a.mjs"]);
    expect((await run(["start", "wait", "--id", "w-1", "--detach"], { cwd })).code).toBe(0);
    const second = await run(["dev", "a.mjs"], { cwd });
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(
      /dw-carrier dev runs already on \S+\.dw \(process \d+, engine http:\S+\)\nStop it, or/,
    );
    expect((await dev.stop("SIGTERM")).code).toBe(0);
    await devIn(cwd, ["a.mjs"]);
    expect(jsonLines((await run(["show", "w-1", "--json"], { cwd })).stdout)).toMatchObject([{ status: "running" }]);
  });

  it("is not misled by what a crash has left, with a process id that is another's by now", async () => {
    const left = JSON.stringify({ url: "http://127.0.0.1:9", pid: process.pid, taskQueue: "old" });
    const cwd = folderOf({ "a.mjs": ACTIVITIES, ".dw/dev.json": left });
    const { engineUrl } = await devIn(cwd, ["a.mjs"]);
    const state = JSON.parse(readFileSync(join(cwd, ".dw", "dev.json"), "utf8")) as object;
    expect(state).toMatchObject({ url: engineUrl, taskQueue: "default" });
  });

  it("goes on following while the engine is away for a moment", async () => {
    const file = join(folderOf(), "engine.sqlite");
    const first = createLocalEngine({ file });
    const { url, port } = await first.listen({ port: await freePort() });
    const started = begin(["start", "greet", "--id", "g-1", "--server", url, "--json"], { cwd: folderOf() });
    await started.until(/"event":"started"/);
    await expect.poll(async () => (await run(["show", "g-1", "--server", url], { cwd: folderOf() })).code).toBe(0);
    await first.close();
    const second = createLocalEngine({ file });
    onTestFinished(() => second.close());
    await second.listen({ port });
    expect((await run(["cancel", "g-1", "--server", url], { cwd: folderOf() })).code).toBe(0);
    const { code, stdout } = await started.ended;
    expect([code, jsonLines(stdout).at(-1)]).toMatchObject([1, { activity: { status: "cancelled" } }]);
  });

  it("--watch brings new activities to the dispatcher", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES });
    const { dev } = await devIn(cwd, ["a.mjs"], "--watch");
    writeFileSync(join(cwd, "a.mjs"), `export const brandNew = () => "fresh";`);
    await dev.until(/"event":"reloaded"/);
    expect(last(await run(["start", "brandNew", "--json"], { cwd }))["activity"]).toMatchObject({ result: "fresh" });
  });

  it("takes a free port where the usual one is taken, and leaves a note of it", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES });
    const taken = createLocalEngine({ file: ":memory:" });
    onTestFinished(() => taken.close());
    await taken.listen({ port: 7070 }).catch(() => {});
    const dev = begin(["dev", "a.mjs"], { cwd });
    const [, url] = await dev.until(
      /^engine {3}(\S+) {2}\.dw\/engine\.sqlite\npage {5}\S+\/\ncarrier {2}\S+ {2}task queue default\n/,
    );
    expect(url).not.toBe("http://127.0.0.1:7070");
    expect(JSON.parse(readFileSync(join(cwd, ".dw", "dev.json"), "utf8"))).toMatchObject({ url, pid: dev.pid });
  });

  it("stops following at Ctrl-C, and says that the activity goes on", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES });
    await devIn(cwd, ["a.mjs"], "--memory");
    const started = begin(["start", "wait", "--id", "w-1"], { cwd });
    await started.until(/attempt 1/);
    const { code, stderr } = await started.stop();
    expect([code, stderr]).toEqual([
      1,
      "The activity goes on: dw-carrier show w-1 tells how it ends, dw-carrier cancel w-1 ends it.\n",
    ]);
    expect(jsonLines((await run(["show", "w-1", "--json"], { cwd })).stdout)).toMatchObject([{ status: "running" }]);
  });
});

/** An engine as servers are: without what only the local engine has. */
async function asServer(engineUrl: string): Promise<string> {
  const server = createServer((request, response) => {
    const forward = async (): Promise<void> => {
      if (request.url?.startsWith("/api/events") === true) {
        response.writeHead(404, { "content-type": "application/json" }).end('{"message":"Not Found"}');
        return;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { host: _host, connection: _connection, ...headers } = request.headers;
      const answer = await fetch(`${engineUrl}${request.url}`, {
        method: request.method ?? "GET",
        headers: headers as Record<string, string>,
        ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
      });
      const { failure: _failure, attempts: _attempts, ...body } = (await answer.json()) as Record<string, unknown>;
      response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    void forward();
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("an engine elsewhere", () => {
  it("that streams no events and tells failures in the history only is followed alike", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES });
    const { engineUrl } = await devIn(cwd, ["a.mjs"], "--memory");
    const server = await asServer(engineUrl);
    const flaky = await run(["start", "flaky", "--server", server, "--max-attempts", "3", "--backoff", "0", "--json"], {
      cwd,
    });
    expect(jsonLines(flaky.stdout).filter(({ event }) => event === "attempt_failed")).toMatchObject([
      { attempt: 1, failure: { message: "call 1" }, retryInSeconds: 0 },
      { attempt: 2, failure: { message: "call 2" }, retryInSeconds: 0 },
    ]);
    expect(last(flaky)["activity"]).toMatchObject({ status: "completed", attempts: [{}, {}, {}] });
    const declined = await run(["start", "declined", "--server", server], { cwd });
    expect([declined.code, declined.stdout]).toEqual([1, expect.stringContaining("Declined: no money")]);
  });

  const auth = { operatorToken: "operator-t0ken", workerToken: "worker-t0ken" };

  async function engineWithTokens(): Promise<string> {
    const engine = createLocalEngine({ file: ":memory:", auth });
    onTestFinished(() => engine.close());
    return (await engine.listen()).url;
  }

  it("is found by environment and profile, and let in by token", async () => {
    const url = await engineWithTokens();
    const profiles = {
      schema: "durable-workflow.cli.config",
      current_env: null,
      envs: { staging: { server: url, namespace: "default", token_source: { type: "env", value: "STAGING" } } },
    };
    const cwd = folderOf({ "dw/config.json": JSON.stringify(profiles) });
    const env = { DURABLE_WORKFLOW_SERVER_URL: url, DURABLE_WORKFLOW_AUTH_TOKEN: auth.operatorToken };
    expect(await run(["list"], { cwd, env })).toEqual({ code: 0, stdout: "There are none.\n", stderr: "" });
    const byProfile = { DW_CONFIG_HOME: join(cwd, "dw"), DW_ENV: "staging", STAGING: auth.operatorToken };
    expect(await run(["list"], { cwd, env: byProfile })).toMatchObject({ code: 0 });
    const refused = await run(["list", "--server", url], {
      cwd,
      env: { DURABLE_WORKFLOW_AUTH_TOKEN: auth.workerToken },
    });
    expect(refused.code).toBe(78);
    expect(refused.stderr).toMatch(/the token may not do this .*\nIt wants an operator's token/);
    expect(refused.stderr).not.toContain("t0ken");
  });

  it("that is no engine, or does not answer, ends with 69", async () => {
    const cwd = folderOf();
    const away = await run(["start", "greet", "--json", "--server", "http://127.0.0.1:9"], { cwd });
    expect(away.code).toBe(69);
    expect(last(away)["error"]).toMatchObject({
      code: "unreachable",
      message: expect.stringMatching(
        /^starting greet: the engine at http:\/\/127\.0\.0\.1:9 cannot be reached \(nothing listens there/,
      ) as string,
    });
    expect(await run(["list"], { cwd, env: { DW_ENV: "nowhere" } })).toMatchObject({ code: 78 });
  });

  it.each([
    [["start"], "TYPE is missing"],
    [["start", "greet", "[1,"], "the arguments are not JSON"],
    [["start", "greet", "1", "2"], "what is for? There is one argument too many"],
    [["start", "greet", "--backoff", "1,x"], "--backoff must be whole numbers separated by commas"],
    [["start", "greet", "--max-attempts", "0"], "--max-attempts must be a whole number from 1"],
    [["show"], "ID is missing"],
    [["list", "--status", "gone"], "--status must be running, completed, failed; got gone"],
  ])("%j makes no sense", async (args, message) => {
    const { code, stderr, stdout } = await run(args, { cwd: folderOf() });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.replace("what is 2 for", "what is for")).toContain(message);
  });

  it("refuses what the engine refuses, in its words", async () => {
    const url = await engineWithTokens();
    const env = { DURABLE_WORKFLOW_SERVER_URL: url, DURABLE_WORKFLOW_AUTH_TOKEN: auth.operatorToken };
    const { code, stderr } = await run(["start", "greet", "--queue", ".."], { cwd: folderOf(), env });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^dw-carrier: starting greet: .*task.queue/)]);
    expect(await run(["show", "unknown"], { cwd: folderOf(), env })).toMatchObject({ code: 1 });
  });
});
