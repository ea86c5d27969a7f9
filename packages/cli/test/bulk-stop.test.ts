import { Readable } from "node:stream";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseQuery, type Queried } from "../src/engine/query.js";
import { confirmed } from "../src/options/confirm.js";
import { CliError } from "../src/shell/command.js";
import { terminalIo } from "../src/shell/terminal.js";
import { jsonLines } from "./support/cli.js";
import { runHere } from "./support/run-here.js";

async function engineWith(
  ...starts: readonly (readonly [type: string, id: string, queue?: string])[]
): Promise<string> {
  const engine = createLocalEngine({ file: ":memory:" });
  onTestFinished(() => engine.close());
  const { url } = await engine.listen();
  for (const [type, id, queue = "q"] of starts) {
    await runHere(["start", type, "--id", id, "--queue", queue, "--detach", "--server", url]);
  }
  return url;
}

const statuses = async (url: string): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    jsonLines((await runHere(["list", "--json", "--details", "--server", url])).stdout).map(({ id, status }) => [
      id,
      status,
    ]),
  );

describe.each([
  ["cancel", "cancelled"],
  ["terminate", "terminated"],
])("dw-carrier %s --query", (command, status) => {
  it("ends all for which it holds, and no other", async () => {
    const url = await engineWith(["report.a", "1"], ["report.b", "2"], ["bill", "3"], ["report.a", "4", "other"]);
    const args = [command, "--query", "type=report.* queue=q", "--server", url];
    const unasked = await runHere(args);
    expect(unasked).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/2 activities \(2, 1\).*\n.*--yes/) as string,
    });
    expect(new Set(Object.values(await statuses(url)))).toEqual(new Set(["running"]));

    const { code, stdout } = await runHere([...args, "--yes", "--json", "--reason", "enough"]);
    expect(code).toBe(0);
    const lines = jsonLines(stdout);
    expect(lines.at(-1)).toEqual({ event: "done", stopped: 2, over: 0, failed: 0, left: 0 });
    expect(lines.slice(0, -1)).toEqual(
      expect.arrayContaining([
        { id: "1", status },
        { id: "2", status },
      ]),
    );
    expect(await statuses(url)).toEqual({ 1: status, 2: status, 3: "running", 4: "running" });
    expect((await runHere([...args, "--yes"])).stdout).toBe(`0 ${status}.\n`);
  });
});

describe("a query", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  const one: Queried = {
    id: "order-7",
    type: "billing.charge",
    queue: "q",
    status: "running",
    key: null,
    startedAt: "2026-01-01T23:00:00Z",
  };

  it.each([
    ["type=billing.charge", true],
    ["type=billing.*", true],
    ["type=billing", false],
    ["type=billing?charge", false],
    ["type=b*g*e queue=q", true],
    ["type=* queue!=q", false],
    ["key=x", false],
    ["key!=x", true],
    ["older=30m", true],
    ["older=2h", false],
    ["newer=2h id=order-*", true],
    ["newer=59m", false],
  ])("%s: %s", (text, holds) => {
    expect(parseQuery(text, now)(one)).toBe(holds);
  });

  it.each(["", "type", "type=", "kind=x", "older=10", "older!=10m", "TYPE=x", "older=x"])("cannot be %j", (text) => {
    expect(() => parseQuery(text, now)).toThrow(CliError);
  });

  it("chooses what is listed", async () => {
    const url = await engineWith(["report.a", "1"], ["bill", "2"]);
    const { stdout } = await runHere(["list", "--json", "--query", "type=bill newer=1h", "--server", url]);
    expect(jsonLines(stdout).map(({ id }) => id)).toEqual(["2"]);
  });
});

describe("asking", () => {
  const ask = async (answer: string | undefined, isTTY = true) => {
    let said = "";
    const stdin = Object.assign(Readable.from(answer === undefined ? [] : [answer]), { isTTY });
    const write = (text: string) => (said += text);
    const io = terminalIo(
      { stdout: { write }, stderr: { write }, stdin, env: {}, cwd: "/" },
      new AbortController().signal,
    );
    return [await confirmed("Sure?", false, io), said];
  };

  it.each([
    ["y\n", true],
    ["Yes\r\n", true],
    ["n\n", false],
    ["yesterday\n", false],
    ["\n", false],
    [undefined, false],
  ])("%j: %s", async (answer, is) => {
    expect(await ask(answer)).toEqual([is, "Sure? [y/N] "]);
  });

  it("is for people", async () => {
    await expect(ask("y\n", false)).rejects.toMatchObject({ exitCode: 2 });
  });
});
