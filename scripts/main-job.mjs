// The main job, by the commands that a person would type: activities in one process with their engine, three of them
// started and followed, and what the engine has on record of them.
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { root } from "./lib.mjs";

const HELP = `Runs the example's activities with an engine on this machine, starts three of them, and shows what becomes of each.

Usage: npm start [-- OPTIONS]

  --keep                         leave everything running
  --server URL                   use this engine, in place of one of our own
  --namespace NAME               of that engine
  --token-env VARIABLE           environment variable of an operator's token; default DURABLE_WORKFLOW_AUTH_TOKEN
  --worker-token-env VARIABLE    environment variable of a worker's token; default the operator's
  --data DIR                     where our own engine keeps what it knows; default .dw
  --help                         show this`;

const CARRIER = "examples/billing/src/activities.ts";
const QUEUE = "billing";
const CHARGE = { idempotencyKey: "invoice-42", card: "card_visa", cents: 12_900, currency: "EUR" };
const FLAKY = { ...CHARGE, idempotencyKey: "invoice-43", card: "card_flaky" };
/** Months of the ledger that are exported before it is cancelled. */
const ENOUGH = 1;
/** On a busy machine a command takes seconds to start: what is left of the export is time for the one that cancels. */
const PATIENCE_MS = 12_000;

const { values } = parseArgs({
  options: {
    keep: { type: "boolean", default: false },
    server: { type: "string" },
    namespace: { type: "string" },
    "token-env": { type: "string" },
    "worker-token-env": { type: "string" },
    data: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const bin = `${root}packages/cli/dist/bin.js`;
const bold = process.stdout.isTTY && !process.env.NO_COLOR ? (text) => `\u001b[1m${text}\u001b[0m` : (text) => text;
const given = (...names) => names.flatMap((name) => (values[name] === undefined ? [] : [`--${name}`, values[name]]));
const engine = given("server", "namespace", "token-env", "data");
const queue = values.server === undefined ? [] : ["--queue", QUEUE];

function shown(args) {
  const quoted = args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg}'`));
  return bold(`$ dw-carrier ${quoted.join(" ")}`);
}

function fail(what) {
  console.error(`\n${what}`);
  process.exitCode = 1;
}

let isKept = false;
let isStopping = false;

/** Runs a command in front of the reader, and waits for it. */
function run(args, expected = 0) {
  if (isStopping) return;
  console.log(`\n${shown(args)}`);
  const { status } = spawnSync(process.execPath, [bin, ...args], { cwd: root, stdio: "inherit" });
  if (status !== expected) fail(`That was to end with ${expected}, and ended with ${status}.`);
}

/** Starts what keeps running, and returns it once it says that it listens. */
async function startDev() {
  const { "worker-token-env": worker } = values;
  const token = worker === undefined ? given("token-env") : ["--token-env", worker];
  const args = ["dev", CARRIER, "--queue", QUEUE, ...given("server", "namespace", "data"), ...token];
  console.log(shown(args));
  const child = spawn(process.execPath, [bin, ...args], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const ready = new Promise((resolve) => {
    let listens = false;
    lines.on("line", (line) => {
      const isLast = line.startsWith("Start one:");
      // Its line for each task would come between those of the commands.
      if (!isLast && line !== "" && (!listens || isKept)) console.log(line);
      if (isLast) {
        listens = true;
        resolve(true);
      }
    });
  });
  const started = await Promise.race([ready, ended.then(() => false)]);
  return { started, ended, stop: () => child.kill("SIGTERM") };
}

/** Starts an activity that takes long, and cancels it once it has told of its progress. */
async function startAndCancel() {
  if (isStopping) return;
  const id = `ledger-${Date.now().toString(36)}`;
  const args = [
    "start",
    "billing.export-ledger",
    "[2026]",
    "--id",
    id,
    "--heartbeat-timeout",
    "6",
    ...queue,
    ...engine,
  ];
  console.log(`\n${shown(args)}`);
  const child = spawn(process.execPath, [bin, ...args], { cwd: root, stdio: "inherit" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  for (const begun = Date.now(); ; await sleep(200)) {
    const { stdout } = spawnSync(process.execPath, [bin, "show", id, "--json", ...engine], {
      cwd: root,
      encoding: "utf8",
    });
    const current = stdout.startsWith('{"id"') ? JSON.parse(stdout).progress?.current : undefined;
    if (current >= ENOUGH || Date.now() - begun > PATIENCE_MS) break;
  }
  const cancel = ["cancel", id, ...engine];
  console.log(`${process.stdout.isTTY ? "\n" : ""}${shown(cancel)}   (in another terminal)`);
  spawnSync(process.execPath, [bin, ...cancel], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  const status = await ended;
  if (status !== 1) fail(`That was to end with 1, as a cancelled activity has no result, and ended with ${status}.`);
}

const dev = await startDev();
if (!dev.started) process.exit(1);
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    isStopping = true;
    dev.stop();
  });
}
run(["start", "billing.charge-card", JSON.stringify(CHARGE), ...queue, ...engine]);
run([
  "start",
  "billing.charge-card",
  JSON.stringify(FLAKY),
  "--max-attempts",
  "3",
  "--backoff",
  "0,1",
  ...queue,
  ...engine,
]);
await startAndCancel();
run(["list", "--details", "--limit", "3", ...engine]);
isKept = values.keep && !isStopping;
if (isKept) console.log("\nIt keeps running: stop it with Ctrl-C.\n");
else dev.stop();
const status = await dev.ended;
if (status !== 0) fail(`dw-carrier dev ended with ${status}.`);
