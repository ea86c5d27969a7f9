import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import type { CliIo } from "./command.js";
import { terminalIo } from "./terminal.js";

function terminal(): { readonly io: CliIo; readonly said: (readonly [stream: "out" | "err", text: string])[] } {
  const said: (readonly [stream: "out" | "err", text: string])[] = [];
  const io = terminalIo(
    {
      stdout: { write: (text) => said.push(["out", text]) },
      stderr: { write: (text) => said.push(["err", text]) },
      stdin: Readable.from([]),
      env: {},
      cwd: "/",
    },
    new AbortController().signal,
  );
  return { io, said };
}

it("writes lines of many together, before what is written otherwise", async () => {
  const { io, said } = terminal();
  io.log("1\n");
  io.log("2\n");
  io.out("3\n");
  io.log("4\n");
  io.err("5\n");
  io.log("6\n");
  io.redraw("7");
  io.log("\n");
  expect(said).toEqual([
    ["out", "1\n2\n"],
    ["out", "3\n"],
    ["out", "4\n"],
    ["err", "5\n"],
    ["out", "6\n"],
    ["out", "\r\u001b[K7"],
  ]);
  await nextTurn();
  io.out("8\n");
  expect(said.slice(6)).toEqual([
    ["out", "\n"],
    ["out", "8\n"],
  ]);
});

it("shows no secret in such lines, even where it is let go before they are written, and nothing that steers", () => {
  const { io, said } = terminal();
  const letGo = io.secrets.hold("open sesame");
  io.log("it said open sesame\u001b[2J\n");
  letGo();
  io.out("");
  expect(said[0]).toEqual(["out", "it said [redacted]\\u001b[2J\n"]);
});
