import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const SOURCES = fileURLToPath(new URL("../src/", import.meta.url));
const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .map((name) => ({ name, text: readFileSync(SOURCES + name, "utf8") }));

/** What may be done in few places, so that it is done right in all. */
const RULES: readonly { readonly what: string; readonly pattern: RegExp; readonly where: readonly string[] }[] = [
  {
    what: "writes to the terminal",
    pattern: /\bconsole\s*\.|\bprocess\s*(?:\?\.|\.|\[")(?:stdout|stderr|_raw)|\b(?:stdout|stderr)\s*[.[]|writeSync/,
    // The watching thread writes to a pipe to its parent.
    where: ["host/watchdog-thread.ts", "terminal.ts"],
  },
  {
    what: "spells what terminals understand",
    pattern: /\\u001b|\\x1b|\\u\{1b\}|\\e\[|\\r(?!\\n)/i,
    where: ["terminal.ts", "terminal-text.ts"],
  },
  {
    what: "spells out a URL, with what may be a key",
    pattern: /\.href\b|\.url\b[^;,\n]*\.command\b|\bcommand\.join\(/,
    // Of files, which are loaded.
    where: ["activities/load-module.ts", "report/shown-url.ts"],
  },
  {
    what: "puts a URL into a sentence that may not be our own",
    pattern: /\$\{(?!shownUrl\()[^{}]*\b(?:url|serverUrl)\b[^{}]*\}/i,
    // Each is an engine's base URL, which has neither user name nor query (resolveConnection), or one that we listen on.
    where: [
      "carrier/carrier-output.ts",
      "commands/check.ts",
      "commands/dispatch.ts",
      "commands/serve.ts",
      // Given what is fit to be shown.
      "conformance/junit.ts",
      "dev/dev-stack.ts",
      "dev/state-file.ts",
      "doctor/diagnose.ts",
      "doctor/engine-checks.ts",
      "engine/client.ts",
      "engine/connection.ts",
    ],
  },
  {
    what: "sends requests",
    pattern: /from "undici"|\bfetch\(|from "node:https?"/,
    // What listens has a server of its own; dev looks for another dev with a request of its own.
    where: [
      "carrier/carrier-output.ts",
      "carrier/carrier-server.ts",
      "dev/dev-stack.ts",
      "net/agent.ts",
      "net/event-stream.ts",
      "net/exchange.ts",
    ],
  },
  {
    what: "reads files",
    pattern: /\breadFile(?:Sync)?\(|createReadStream|stream\/consumers/,
    // A manifest of Node's, as Node reads it.
    where: ["activities/load-module.ts", "text-file.ts"],
  },
  {
    what: "opens files otherwise",
    pattern: /\bopen(?:Sync)?\(/,
    where: ["dev/own-files.ts"],
  },
];

it("the sources are those of the command", () => {
  expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(["bin.ts", "main.ts", "terminal.ts"]));
});

it.each(RULES)("nobody $what but $where", ({ pattern, where }) => {
  const found = files.filter(({ text }) => pattern.test(withoutComments(text))).map(({ name }) => name);
  expect(found.length).toBeGreaterThan(0);
  expect(found.filter((name) => !where.includes(name))).toEqual([]);
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
}
