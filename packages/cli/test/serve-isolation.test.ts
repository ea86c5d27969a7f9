import { Agent, request } from "node:http";
import { connect } from "node:net";
import { buildTaskInput, carrierClient } from "@durable-workflow/carrier/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { begin, folderOf, jsonLines, type Running } from "./support/cli.js";

const ACTIVITIES = `
import { setTimeout as sleep } from "node:timers/promises";
export const greet = (name: string) => "Hello, " + name;
export const stray = () => { Promise.reject(new Error("left alone")); return 1; };
export const timer = async () => { setTimeout(() => { throw new TypeError("in a timer"); }, 20); await sleep(20_000); };
export const exits = () => { process.exit(3); };
export const slow = async (ms: number) => { await sleep(ms); return "slow"; };
export const outside = () => { globalThis.kick(); return sleep(300, "done"); };
// Code of the module, and of no attempt.
const kicks: (() => void)[] = [];
globalThis.kick = () => kicks.push(() => {});
setInterval(() => { if (kicks.pop() !== undefined) throw new Error("of the module"); }, 20);
`;

async function serving(...args: string[]): Promise<{ serve: Running; url: string }> {
  const cwd = folderOf({ "a.ts": ACTIVITIES });
  const serve = begin(["serve", "a.ts", "--port", "0", "--json", ...args], { cwd });
  const [, url = ""] = await serve.until(/"url":"(http:[^"]+)"/);
  return { serve, url };
}

const crashes = (serve: Running): Record<string, unknown>[] =>
  jsonLines(serve.stdout).filter(({ event }) => event === "crash");

describe("what an activity leaves to the process of serve", () => {
  it.each([
    ["stray", "unhandled_rejection", /^Error: left alone \(/, /at stray .*a\.ts:4:/],
    ["timer", "uncaught_exception", /^TypeError: in a timer \(/, /a\.ts:5:/],
    ["exits", "process_exit", /^The activity called process\.exit\(3\)/, /at exits .*a\.ts:6:/],
  ])("%s fails that attempt alone", async (type, cause, message, stack) => {
    const { serve, url } = await serving();
    const client = carrierClient(url);
    const beside = client.call("slow", [1000]);
    const result = await client.send(buildTaskInput({ activityType: type, args: [] }));
    expect(result).toMatchObject({
      kind: "failure",
      retryable: true,
      failure: {
        kind: "handler_crash",
        type: "HandlerCrash",
        message: expect.stringMatching(message) as string,
        stackTrace: expect.stringMatching(stack) as string,
      },
    });
    expect(await beside).toBe("slow");
    expect(await client.call("greet", ["Ada"])).toBe("Hello, Ada");
    expect(crashes(serve)).toMatchObject([{ cause, run: { type, attempt: 1 }, late: false, candidates: [] }]);
    expect((await serve.stop()).code).toBe(0);
  });

  it("what comes from no attempt fails none, and names those that ran", async () => {
    const { serve, url } = await serving();
    expect(await carrierClient(url).call("outside", [])).toBe("done");
    expect(crashes(serve)).toMatchObject([
      { cause: "uncaught_exception", run: null, candidates: [{ type: "outside", attempt: 1 }] },
    ]);
  });
});

/** One request on a connection that may be kept. */
function ask(url: string, method: string, agent?: Agent): Promise<{ status: number; connection: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, ...(agent === undefined ? {} : { agent }) }, (response) => {
      response.resume().once("end", () => {
        resolve({ status: response.statusCode ?? 0, connection: response.headers.connection ?? "" });
      });
    });
    asked.once("error", reject).end();
  });
}

it("--max-tasks answers 503 to more tasks at once, says so, and takes them later", async () => {
  const { serve, url } = await serving("--max-tasks", "1");
  const client = carrierClient(url);
  const first = client.call("slow", [1500]);
  await expect.poll(async () => (await client.post({})).status).toBe(503);
  await serve.until(/"event":"log".*"level":"warn","message":"This carrier has too much to do at once/);
  expect(await first).toBe("slow");
  expect(await client.call("greet", ["Ada"])).toBe("Hello, Ada");
});

describe("the end of serve", () => {
  it("after SIGTERM health checks fail at once, while tasks are still taken for a while", async () => {
    const { serve, url } = await serving("--linger", "3");
    const client = carrierClient(url);
    expect((await ask(url, "GET")).status).toBe(200);
    const ended = serve.stop("SIGTERM");
    await serve.until(/"event":"stopping".*"lingerSeconds":3,"graceSeconds":10/);
    expect(await ask(url, "GET", new Agent({ keepAlive: true }))).toEqual({ status: 503, connection: "close" });
    expect((await ask(url, "HEAD")).status).toBe(503);
    expect(serve.stdout).not.toContain('"event":"refused"');
    expect(await client.call("greet", ["Ada"])).toBe("Hello, Ada");
    // This one begins while it lingers, and ends in the grace.
    expect(await client.call("slow", [4000])).toBe("slow");
    expect((await ended).code).toBe(0);
    await expect(ask(url, "GET")).rejects.toThrow(/ECONNREFUSED/);
  });

  it.each([
    ["SIGINT", []],
    ["SIGTERM", ["--linger", "0"]],
  ] as const)("after %s with %j it lingers not", async (signal, args) => {
    const { serve } = await serving(...args);
    await serve.stop(signal);
    expect(serve.stdout).toContain('"lingerSeconds":0');
  });

  it("a connection that never sent a request does not keep it", async () => {
    const { serve, url } = await serving("--linger", "0");
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve) => void socket.once("connect", resolve));
    expect((await serve.stop("SIGTERM")).code).toBe(0);
  });

  it.each([
    [[], 75],
    [["--keep-alive", "1"], 1],
  ] as const)("with %j idle connections are kept for %s s", async (args, seconds) => {
    const { url } = await serving(...args);
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.setEncoding("utf8").write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    const answer = await new Promise<string>((resolve) => void socket.once("data", resolve));
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 200 .*\r\nKeep-Alive: timeout=${seconds}\r\n`, "s"));
    if (seconds === 1) await new Promise((resolve) => socket.once("close", resolve));
  });
});
