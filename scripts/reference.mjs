// node scripts/reference.mjs: writes docs/reference/{commands,metrics,events,error-codes}.md anew from the code as it was built. With --check it
// only says whether that would change anything.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { table } from "./config-reference.mjs";
import { errorCodesPage } from "./error-codes.mjs";
import { root } from "./lib.mjs";

const FOLDER = join(root, "docs/reference");
const EVENTS = join(root, "packages/dispatcher/src/events/events.ts");

const built = (file) => import(pathToFileURL(join(root, "packages", file)).href);
const plain = new Proxy({}, { get: () => (text) => text });

/** What `--help` says of every command. */
async function commandsPage() {
  const { everyCommand } = await built("cli/dist/commands/index.js");
  const commands = await everyCommand();
  const { commandHelp } = await built("cli/dist/shell/help.js");
  const parts = commands.map((command) => {
    const help = commandHelp(command, plain);
    const [summary, ...rest] = help.slice(0, help.indexOf("\nExit codes")).trim().split("\n");
    return `## ${command.name}\n\n${summary}\n\n\`\`\`text\n${rest.join("\n").trim()}\n\`\`\`\n`;
  });
  const rows = commands.map(({ name, summary }) => [`[\`${name}\`](#${name})`, summary]);
  return `# Commands

What \`dw-carrier COMMAND --help\` says. Exit codes, output and how an engine is found: [the command](cli.md).

${table([["command", "what"], ...rows])}

${parts.join("\n")}`;
}

/** Every metric of a dispatcher. */
async function metricsPage() {
  const { createDispatcher } = await built("dispatcher/dist/index.js");
  const { createMetrics } = await built("dispatcher/dist/metrics.js");
  const dispatcher = createDispatcher({
    connection: { serverUrl: "http://127.0.0.1:9" },
    queues: [{ taskQueue: "none", activityTypes: ["none"] }],
    allowEngineTargets: true,
  });
  const metrics = createMetrics(dispatcher).getMetricsAsArray();
  const rows = metrics.map(({ name, type, help, labelNames = [], buckets }) => [
    `\`${name}\``,
    `${type}${buckets === undefined ? "" : ` (${buckets.join(", ")})`}`,
    labelNames.map((label) => `\`${label}\``).join(", "),
    help,
  ]);
  return `# Metrics

A dispatcher shows them as Prometheus text under \`/metrics\` of its health port. Rules and a dashboard over them:
[alerts](../operate/alerts.md). Times are in seconds.

${table([["metric", "type (buckets)", "labels", "what"], ...rows])}
`;
}

/** The members of the union of events, as they stand in the source. */
export function eventsOf(source) {
  const begin = source.indexOf("export type DispatcherEvent =");
  const union = source.slice(begin, source.indexOf(";\n\n", begin));
  const members = [...union.matchAll(/^(?: {2}\/\*\* (.+?) \*\/\n)? {2}\| \{([^]*?)(?:^ {2}\}|\}(?=;?$))/gm)];
  return members.map(([, comment = "", body = ""]) => {
    const fields = [
      ...body.matchAll(/(?:\/\*\* (.+?) \*\/\s+)?readonly (\w+): ([^;]+?);?\s*(?=\/\*\*|readonly|$)/g),
    ].map(([, what = "", name, type = ""]) => ({ name, type: type.trim(), what }));
    const [{ type }, ...rest] = fields;
    return { name: JSON.parse(type), comment, fields: rest };
  });
}

async function eventsPage() {
  const source = readFileSync(EVENTS, "utf8");
  const rows = eventsOf(source).map(({ name, comment, fields }) => [
    `\`${name}\``,
    fields.map((field) => `\`${field.name}: ${field.type}\`${field.what === "" ? "" : ` (${field.what})`}`).join(", "),
    comment,
  ]);
  return `# Events of a dispatcher

\`dispatcher.events.on(listener)\` gives each as an object; \`dw-carrier dispatch --json\` writes each as a line, with \`event\` in place of \`type\`.
No event holds a credential or a payload. Readers pass over events and fields that they do not know.

${table([["event", "fields", "when"], ...rows])}
`;
}

/** Each page by its name. */
export async function referencePages() {
  return {
    "commands.md": await commandsPage(),
    "metrics.md": await metricsPage(),
    "events.md": await eventsPage(),
    "error-codes.md": await errorCodesPage(),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, text] of Object.entries(await referencePages())) {
    const file = join(FOLDER, name);
    if (!process.argv.includes("--check")) writeFileSync(file, text);
    else if (readFileSync(file, "utf8") !== text) {
      console.error(`docs/reference/${name} is out of date: node scripts/reference.mjs`);
      process.exitCode = 1;
    }
  }
}
