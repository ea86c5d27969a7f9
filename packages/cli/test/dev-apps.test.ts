import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { bearerToken, type InvocableHttpOptions } from "@durable-workflow/carrier";
import { activityManifest } from "@durable-workflow/carrier/manifest";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { closedAddress } from "@durable-workflow/test-support/loopback";
import { describe, expect, it, onTestFinished } from "vitest";
import { begin, folderOf, jsonLines, type Running, type RunOptions, run } from "./support/cli.js";

const TOKEN = "s3cret-of-the-app";
const manifest = activityManifest();

type Handlers = Parameters<typeof nodeInvocableActivityHandler>[0];

/** An app that hosts activities; its handlers can be replaced while it runs. */
async function app(handlers: Handlers, options: InvocableHttpOptions = {}, port = 0) {
  let listener = nodeInvocableActivityHandler(handlers, options);
  const methods: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    methods.push(request.method);
    return listener(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(port, "127.0.0.1", resolve);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(close);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/activities`,
    /** Of the requests that came, in order. */
    methods,
    replace(next: Handlers) {
      listener = nodeInvocableActivityHandler(next, options);
    },
    close,
  };
}

async function dev(args: readonly string[], options: RunOptions): Promise<Running> {
  const running = begin(["dev", ...args, "--engine-port", "0", "--memory", "--json"], options);
  await running.until(/"listening"/);
  return running;
}

describe("dev and an app that runs", () => {
  it("asks it for its activities, runs them beside those of files, and asks again", async () => {
    const cwd = folderOf({ "a.mjs": "export const greet = (name) => `Hello, ${name}`;" });
    const one = await app({ "app.hello": () => "from the app" }, { manifest, auth: bearerToken(TOKEN) });
    const two = await app({ "two.hello": () => "from the other" }, { manifest });
    const env = { APP_TOKEN: TOKEN };
    const running = await dev([one.url, "a.mjs", two.url, "--app-token-env", `${one.url}=APP_TOKEN`], { cwd, env });
    expect(jsonLines(running.stdout)[0]).toMatchObject({
      event: "listening",
      activities: [
        { type: "greet", file: join(cwd, "a.mjs") },
        { type: "app.hello", url: one.url },
        { type: "two.hello", url: two.url },
      ],
    });
    for (const [type, result] of [
      ["greet", "Hello, undefined"],
      ["app.hello", "from the app"],
      ["two.hello", "from the other"],
    ] as const) {
      expect((await run(["start", type], { cwd })).stdout).toContain(result);
    }
    one.replace({ "app.bye": () => "until then" });
    await running.until(/"event":"app".*"types":\["app\.bye"\]/);
    expect((await run(["start", "app.bye"], { cwd })).stdout).toContain("until then");

    await two.close();
    await running.until(/"state":"gone","types":\["two\.hello"\]/);
    const { stdout, stderr } = await running.stop();
    expect(stdout + stderr).not.toContain(TOKEN);
  });

  it("waits for one that does not run yet", async () => {
    const cwd = folderOf();
    const url = new URL("/activities", await closedAddress());
    const running = await dev([url.href], { cwd });
    expect(jsonLines(running.stdout)[0]).toMatchObject({ event: "app", state: "waiting", types: [] });
    await app({ late: () => "here" }, { manifest }, Number(url.port));
    await running.until(/"state":"attached","types":\["late"\]/);
    expect((await run(["start", "late"], { cwd })).stdout).toContain("here");

    const mute = new URL("/mute", await closedAddress());
    const other = begin(["dev", mute.href, "--engine-port", "0", "--json", "--data", "other"], { cwd });
    await other.until(/"state":"waiting"/);
    await app({ unseen: () => 1 }, {}, Number(mute.port));
    await other.until(/"state":"silent","types":\[\]/);
  });

  it("takes the word of --types for one that does not tell", async () => {
    const cwd = folderOf();
    const silent = await app({ "app.hello": () => "hello" });
    const asked = await run(["dev", silent.url, "--memory", "--engine-port", "0"], { cwd });
    expect([asked.code, asked.stderr]).toEqual([
      78,
      expect.stringMatching(/does not tell which activities.*\n.*--types/),
    ]);
    silent.methods.length = 0;
    await dev([silent.url, "--types", "app.hello, app.bye"], { cwd });
    expect((await run(["start", "app.hello"], { cwd })).stdout).toContain('"hello"');
    // It need not know a GET: neither its types nor what its arguments look like are asked for.
    expect(silent.methods).toEqual(["POST"]);
  });

  it("has what nobody takes told while it waits", async () => {
    const cwd = folderOf({ "a.mjs": "export const greet = () => 1;" });
    const running = await dev(["a.mjs"], { cwd });
    await run(["start", "grete", "--detach"], { cwd });
    const [line] = await running.until(/.*"event":"waiting".*/);
    expect(JSON.parse(line)).toMatchObject({ type: "grete", suggestion: "greet", taskQueue: "default" });
    await run(["start", "grete", "--detach"], { cwd });
    await run(["start", "greet"], { cwd });
    // Once for each type of each queue.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(jsonLines(running.stdout).filter(({ event }) => event === "waiting")).toHaveLength(1);
  });

  it.each<readonly [string, (url: string) => readonly string[], number, RegExp]>([
    ["whose gate wants a token", (url) => [url], 78, /does not let us ask .*401.*\n.*--app-token-env/],
    ["elsewhere without https", () => ["http://192.0.2.7/"], 2, /is not on this machine/],
    ["elsewhere without a token", () => ["https://app.example.com/?code=k3y"], 2, /needs a token/],
    ["with a password", () => ["http://me:pw@127.0.0.1/"], 2, /must not hold a user name/],
    ["twice", () => ["http://127.0.0.1:1/", "http://127.0.0.1:1/"], 2, /is named twice/],
    [
      "of two, with types for both",
      () => ["http://127.0.0.1:1/", "http://127.0.0.1:2/", "--types", "x"],
      2,
      /write URL=x/,
    ],
    [
      "and types of another",
      () => ["http://127.0.0.1:1/", "--types", "http://127.0.0.1:2/=x"],
      2,
      /not among the arguments/,
    ],
    ["not at all, with types", () => ["a.mjs", "--types", "x"], 2, /none was given/],
    [
      "with a variable that is not set",
      () => ["http://127.0.0.1:1/", "--app-token-env", "NOPE"],
      78,
      /NOPE.* is not set/,
    ],
  ])("refuses one %s", async (_, args, code, message) => {
    const guarded = await app({ x: () => 1 }, { manifest, auth: bearerToken(TOKEN) });
    const cwd = folderOf({ "a.mjs": "export const greet = () => 1;" });
    const ended = await run(["dev", ...args(guarded.url), "--memory", "--engine-port", "0"], { cwd });
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(message)]);
    expect(ended.stderr).not.toContain("k3y");
  });

  it("refuses a type that two have", async () => {
    const cwd = folderOf({ "a.mjs": "export const greet = () => 1;" });
    const { url } = await app({ greet: () => 1 }, { manifest });
    const ended = await run(["dev", "a.mjs", url, "--memory", "--engine-port", "0"], { cwd });
    expect([ended.code, ended.stderr]).toEqual([
      78,
      expect.stringContaining("each have an activity of the type greet"),
    ]);
  });
});

describe(".env files", () => {
  const SAYS = "export const says = () => [process.env.ONE, process.env.TWO, process.env.THREE];";

  async function saidBy(args: readonly string[], cwd: string): Promise<unknown> {
    await dev(["a.mjs", ...args], { cwd, env: { ONE: "set" } });
    const { stdout } = await run(["start", "says", "--json"], { cwd });
    return (jsonLines(stdout).at(-1) as { activity: { result: unknown } }).activity.result;
  }

  it.each<readonly [readonly string[], readonly (string | null)[]]>([
    [[], ["set", "quoted text", null]],
    [["--no-env-file"], ["set", null, null]],
    [
      ["--env-file", "other.env"],
      ["set", "other", "three"],
    ],
    [
      ["--env-file", ".env", "--env-file", "other.env"],
      ["set", "other", "three"],
    ],
  ])("dev %j", async (args, values) => {
    const cwd = folderOf({
      "a.mjs": SAYS,
      ".env": '# a comment\nONE=file\nTWO="quoted text"\n',
      "other.env": "\ufeffTWO=other\nexport THREE='three'\r\n",
    });
    expect(await saidBy(args, cwd)).toEqual(values);
  });

  it("serve takes its token from one", async () => {
    const cwd = folderOf({ "a.mjs": SAYS, ".env": `DW_CARRIER_TOKEN=${TOKEN}\n` });
    const serve = begin(["serve", "a.mjs", "--port", "0", "--json"], { cwd });
    await serve.until(/"tokenVariable":"DW_CARRIER_TOKEN"/);
    expect((await serve.stop()).stdout).not.toContain(TOKEN);
  });

  it("start reads one that is named, and none by itself", async () => {
    const nowhere = (await closedAddress()).replace(/\/$/, "");
    const cwd = folderOf({ ".env": `DURABLE_WORKFLOW_SERVER_URL=${nowhere}\n` });
    expect((await run(["start", "x", "--env-file", ".env"], { cwd })).stderr).toContain(nowhere);
    expect((await run(["start", "x"], { cwd })).stderr).not.toContain(nowhere);
    writeFileSync(join(cwd, ".env"), Buffer.from([0xff]));
    for (const [args, code] of [
      [["dev", "a.mjs"], 78],
      [["dev", "a.mjs", "--env-file", ".env", "--no-env-file"], 2],
    ] as const) {
      expect((await run(args, { cwd })).code).toBe(code);
    }
    const missing = await run(["start", "x", "--env-file", "none.env"], { cwd });
    // Node 20 looks for it before the command does, and ends with 9.
    expect([9, 78]).toContain(missing.code);
    expect(missing.stderr).toContain("none.env");
  });
});
