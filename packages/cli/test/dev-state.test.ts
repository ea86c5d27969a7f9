import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { closedAddress, listen } from "@durable-workflow/test-support/loopback";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CONTROL_PATHS, type DevState, findDevState, removeDevState, writeDevState } from "../src/engine/dev-state.js";
import { HttpClient } from "../src/net/http-client.js";
import { begin, folderOf, run } from "./support/cli.js";

const isRoot = process.getuid?.() === 0;
const ACTIVITIES = "export const greet = (name) => `Hello, ${name}`;";

/** Something that takes what it is sent, as a thief would. */
let engine: Server;
let url: string;
const received: string[] = [];
beforeAll(async () => {
  engine = createServer((request, response) => {
    received.push(`${request.method ?? ""} ${request.url ?? ""}`);
    response.end(JSON.stringify(request.url === "/api/health" ? { status: "serving" } : { activities: [] }));
  });
  await new Promise<void>((resolve) => {
    engine.listen(0, "127.0.0.1", resolve);
  });
  url = `http://127.0.0.1:${(engine.address() as AddressInfo).port}`;
});
afterAll(() => {
  engine.close();
});

const word = (changes: object = {}): string => JSON.stringify({ url, pid: process.pid, ...changes });

function planted(text: string): { readonly cwd: string; readonly file: string } {
  const cwd = folderOf();
  mkdirSync(join(cwd, ".dw"), { mode: 0o700 });
  const file = join(cwd, ".dw", "dev.json");
  writeFileSync(file, text, { mode: 0o600 });
  return { cwd, file };
}

async function found(cwd: string, folder?: string): Promise<string> {
  const { state, setAside } = await findDevState(folder, { cwd, http: new HttpClient({ env: {} }) });
  return state?.url ?? setAside.join(" ");
}

describe("the word that dev leaves", () => {
  it("is believed where it is ours, and its engine answers; from below the folder, too", async () => {
    const { cwd } = planted(word());
    mkdirSync(join(cwd, "src", "deep"), { recursive: true });
    expect(await found(cwd)).toBe(url);
    expect(await found(cwd, ".dw")).toBe(url);
    expect(await found(join(cwd, "src", "deep"))).toBe(url);
    expect(await found(join(cwd, "src"), ".dw")).toBe("");
  });

  it("has a byte order mark, or a slash at the end of its url", async () => {
    expect(await found(planted(`\ufeff${word({ url: `${url}/` })}`).cwd)).toBe(url);
  });

  it.each([
    ["another host", { url: "http://192.0.2.7:7070", pid: 1 }, /is not on this machine/],
    ["a name that may lead anywhere", { url: "http://a.localhost:7070" }, /is not on this machine/],
    ["https elsewhere", { url: "https://engine.example.com" }, /is not on this machine/],
    ["a path", { url: "http://127.0.0.1:7070/steal" }, /is not an engine's/],
    ["credentials", { url: "http://user:s3cret@127.0.0.1:7070" }, /is not an engine's/],
    ["no url", { url: 7 }, /its url is not a URL/],
    ["no pid", { pid: "1" }, /its pid is not a process id/],
    ["all processes", { pid: 0 }, /its pid is not a process id/],
    ["a process that has ended", { pid: 2 ** 22 + 1 }, /has ended/],
  ])("is set aside with %s", async (_, changes, why) => {
    const said = await found(planted(word(changes)).cwd);
    expect(said).toMatch(why);
    expect(said).toMatch(/\.dw\/dev\.json, the word of a dw-carrier dev, is set aside: /);
    expect(said).not.toContain("s3cret");
  });

  it("is believed though its command takes seconds to answer, as on a machine that is busy", async () => {
    const asked: string[] = [];
    const slow = await listen(
      createServer((request, response) => {
        asked.push(request.url ?? "");
        const answer = request.url === CONTROL_PATHS.identity ? { id: "its-id" } : { status: "serving" };
        setTimeout(() => response.end(JSON.stringify(answer)), 3_000);
      }),
    );
    const control = { port: slow.port, id: "its-id", token: "t" };
    try {
      expect(await found(planted(word({ url: slow.url, control })).cwd)).toBe(slow.url);
      expect(asked).toEqual([CONTROL_PATHS.identity, "/api/health"]);
    } finally {
      await slow.close();
    }
  });

  it("is set aside when its engine is gone, or another server has its port", async () => {
    expect(await found(planted(word({ url: await closedAddress().then((at) => at.replace(/\/$/, "")) })).cwd)).toMatch(
      /does not answer/,
    );
    const other = createServer((_, response) => response.end("<html>"));
    await new Promise<void>((resolve) => {
      other.listen(0, "127.0.0.1", resolve);
    });
    try {
      const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      expect(await found(planted(word({ url: elsewhere })).cwd)).toMatch(/is not an engine/);
    } finally {
      other.close();
    }
  });

  it.each<readonly [string, (file: string, cwd: string) => void, RegExp]>([
    [
      "a link",
      (file, cwd) => (writeFileSync(`${cwd}/x`, word()), replace(file, () => symlinkSync(`${cwd}/x`, file))),
      /is a link/,
    ],
    ["two names", (file, cwd) => linkSync(file, `${cwd}/other`), /second name/],
    ["a folder", (file) => replace(file, () => mkdirSync(file)), /not a regular file/],
    ["writable for others", (file) => chmodSync(file, 0o666), /others may write/],
    ["a folder writable for others", (_, cwd) => chmodSync(join(cwd, ".dw"), 0o777), /others may write/],
    ["too much", (file) => writeFileSync(file, word() + " ".repeat(70_000)), /is larger/],
    ["no UTF-8", (file) => writeFileSync(file, Buffer.from([0xff, 0xfe])), /not UTF-8/],
    ["no JSON", (file) => writeFileSync(file, "{"), /its url is not a URL/],
  ])("is set aside: %s", async (_, change, why) => {
    const { cwd, file } = planted(word());
    change(file, cwd);
    expect(await found(cwd)).toMatch(why);
  });

  it("is set aside in a folder that is a link", async () => {
    const { cwd } = planted(word());
    const elsewhere = folderOf();
    symlinkSync(join(cwd, ".dw"), join(elsewhere, ".dw"));
    expect(await found(elsewhere)).toMatch(/is a link/);
  });

  it.skipIf(!isRoot)(
    `is set aside when another user wrote it, and not looked for in another's folders${isRoot ? "" : " (skipped: only root can give files away)"}`,
    async () => {
      const { cwd, file } = planted(word());
      chownSync(file, 12_345, 12_345);
      expect(await found(cwd)).toMatch(/another user/);
      chownSync(file, 0, 0);
      const between = join(cwd, "between");
      mkdirSync(join(between, "below"), { recursive: true });
      chownSync(between, 12_345, 12_345);
      expect(await found(join(between, "below"))).toBe("");
    },
  );

  it("no command sends anything to another host, or to what is not believed, and each says so", async () => {
    const before = received.length;
    const env = { DURABLE_WORKFLOW_AUTH_TOKEN: "s3cret-token" };
    const elsewhere = planted(word({ url: "http://192.0.2.7:7070", pid: 1 }));
    const writable = planted(word());
    chmodSync(writable.file, 0o622);
    for (const { cwd } of [elsewhere, writable]) {
      const { code, stderr } = await run(["start", "greet", '["secret"]'], { cwd, env });
      expect(code).toBe(69);
      expect(stderr).toMatch(/dev\.json.* is set aside: .*\n.*the engine at http:\/\/(127\.0\.0\.1|localhost):8080/);
    }
    expect(received.length).toBe(before);
  });

  it("a profile that is chosen and not used is named", async () => {
    const { cwd } = planted(word());
    const profiles = folderOf({
      "config.json": JSON.stringify({
        schema: "durable-workflow.cli.config",
        current_env: "prod",
        envs: { prod: { server: "https://engine.example.com" } },
      }),
    });
    const { code, stderr } = await run(["list"], { cwd, env: { DW_CONFIG_HOME: profiles } });
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("The profile prod is set aside") as string,
    });
  });
});

function replace(file: string, put: () => void): void {
  rmSync(file);
  put();
}

describe("writing it", () => {
  it("makes a folder and a file for nobody else, whole, and without following links", async () => {
    const cwd = folderOf({ "precious.txt": "precious" });
    const folder = join(cwd, ".dw");
    mkdirSync(folder, { mode: 0o755 });
    chmodSync(folder, 0o775);
    const state: DevState = {
      command: "dev",
      url,
      namespace: "default",
      taskQueue: "default",
      pid: process.pid,
      control: undefined,
    };
    await writeDevState(folder, state);
    expect([lstatSync(folder).mode & 0o777, lstatSync(join(folder, "dev.json")).mode & 0o777]).toEqual([0o700, 0o600]);
    expect(readdirSync(folder)).toEqual(["dev.json"]);
    expect(await findDevState(undefined, { cwd, http: new HttpClient({ env: {} }) })).toEqual({ state, setAside: [] });
    await removeDevState(folder);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(["dev.json", "engine.sqlite", "payloads", "."])("dev refuses to begin where %s is a link", async (name) => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES, "precious.txt": "precious", "elsewhere/x": "" });
    const folder = join(cwd, ".dw");
    if (name === ".") symlinkSync(join(cwd, "elsewhere"), folder);
    else {
      mkdirSync(folder);
      symlinkSync(join(cwd, "precious.txt"), join(folder, name));
    }
    const { code, stderr } = await run(["dev", "a.mjs", "--engine-port", "0"], { cwd });
    expect({ code, stderr }).toEqual({ code: 78, stderr: expect.stringMatching(/is a link/) as string });
    expect(readFileSync(join(cwd, "precious.txt"), "utf8")).toBe("precious");
    expect(readdirSync(join(cwd, "elsewhere"))).toEqual(["x"]);
  });

  it("dev refuses a chosen folder that others may write to, and leaves the rights of one that they may not", async () => {
    const cwd = folderOf({ "a.mjs": ACTIVITIES, "data/x": "", "open/x": "" });
    chmodSync(join(cwd, "data"), 0o755);
    chmodSync(join(cwd, "open"), 0o777);
    expect(await run(["dev", "a.mjs", "--data", "open"], { cwd })).toMatchObject({
      code: 78,
      stderr: expect.stringMatching(/others may write to .*open\n.*chmod go-w/) as string,
    });
    const dev = begin(["dev", "a.mjs", "--engine-port", "0", "--data", "data"], { cwd });
    await dev.until(/greet/);
    expect(lstatSync(join(cwd, "data")).mode & 0o777).toBe(0o755);
    const { code, stdout } = await run(["start", "greet", '["Ada"]', "--data", "data"], { cwd });
    expect([code, stdout]).toEqual([0, expect.stringContaining("Hello, Ada")]);
    expect((await dev.stop()).code).toBe(0);
    expect(existsSync(join(cwd, "data", "dev.json"))).toBe(false);
  });
});
