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
    where: ["host/process/watchdog-thread.ts", "shell/terminal.ts"],
  },
  {
    what: "spells what terminals understand",
    pattern: /\\u001b|\\x1b|\\u\{1b\}|\\e\[|\\r(?!\\n)/i,
    where: ["shell/terminal.ts", "shell/terminal-text.ts"],
  },
  {
    what: "spells out a URL, with what may be a key",
    pattern: /\.href\b|\.url\b[^;,\n]*\.command\b|\bcommand\.join\(/,
    // Of files, which are loaded.
    where: ["host/activities/load-module.ts", "net/shown-url.ts"],
  },
  {
    what: "puts a URL into a sentence that may not be our own",
    pattern: /\$\{(?!shownUrl\()[^{}]*\b(?:url|serverUrl)\b[^{}]*\}/i,
    // Each is an engine's base URL, which has neither user name nor query (resolveConnection), or one that we listen on.
    where: [
      "commands/check.ts",
      "commands/dispatch.ts",
      "commands/engine.ts",
      "commands/serve.ts",
      "commands/ui.ts",
      "commands/stop.ts",
      "commands/tail.ts",
      // Given what is fit to be shown.
      "conformance/junit.ts",
      "doctor/engine-checks.ts",
      "engine/connection.ts",
      "engine/control-plane.ts",
      "engine/dev-state.ts",
      "host/carrier/carrier-output.ts",
      "host/engine/engine-host.ts",
      // Of apps, which AttachedApps has made fit to be shown.
      "host/apps/attached-apps.ts",
      "host/dev-routes.ts",
    ],
  },
  {
    what: "sends requests",
    pattern: /from "(?:@durable-workflow\/client\/)?undici"|\bfetch\(|from "node:https?"/,
    // What listens has a server of its own.
    where: [
      "host/engine/control-server.ts",
      "page/page-server.ts",
      "net/agents.ts",
      "net/client-transport.ts",
      "net/exchange.ts",
    ],
  },
  {
    what: "reads files",
    pattern: /\breadFile(?:Sync)?\(|createReadStream|stream\/consumers/,
    // A manifest of Node's, as Node reads it; and the body of a request, which is ours or refused.
    where: ["host/activities/load-module.ts", "host/engine/control-server.ts", "options/text-file.ts"],
  },
  {
    what: "opens files otherwise",
    pattern: /\bopen(?:Sync)?\(/,
    where: ["engine/own-files.ts"],
  },
  {
    what: "makes requests past the one client",
    pattern: /import \{[^}]*\bexchange\b[^}]*\} from/,
    where: ["net/http-client.ts"],
  },
  {
    what: "asks an engine past the client",
    // The door for tools has an exchange of its own.
    pattern: /(?<!\btools)\.exchange\(|\bnew EngineTools\(|\bcreateClient\(/,
    // Carriers, apps, and the control server of a dw-carrier.
    where: [
      "commands/invoke.ts",
      "conformance/send.ts",
      "doctor/carrier-checks.ts",
      "doctor/reach.ts",
      "engine/backup.ts",
      "engine/control-plane.ts",
      "engine/dev-state.ts",
      "host/apps/ask-types.ts",
    ],
  },
  {
    what: "reads the environment, beside CliIo",
    pattern: /\bprocess\.env\b|\{[^}]*\benv\b[^}]*\} = process\b/,
    // Tells the compiler of modules which tsconfig counts, which it reads from its process.
    where: ["host/activities/load-module.ts", "shell/terminal.ts"],
  },
  {
    what: "forges an object from another",
    pattern: /Object\.(?:create|setPrototypeOf)\(/,
    where: [],
  },
];

it("the sources are those of the command", () => {
  expect(files.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["bin.ts", "shell/main.ts", "shell/terminal.ts"]),
  );
});

it.each(RULES)("nobody $what but $where", ({ pattern, where }) => {
  const found = files.filter(({ text }) => pattern.test(withoutComments(text))).map(({ name }) => name);
  if (where.length > 0) expect(found.length).toBeGreaterThan(0);
  expect(found.filter((name) => !where.includes(name))).toEqual([]);
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
}
