#!/usr/bin/env node
import process from "node:process";
import { commands } from "./commands/index.js";
import { runCli } from "./shell/main.js";
import { StopSignals } from "./shell/stop-signals.js";
import { exitWritten, processIo } from "./shell/terminal.js";

/** Windows has no SIGTERM: it tells of Ctrl-Break, and, by SIGHUP, that the window is being closed. */
const SIGNALS =
  process.platform === "win32" ? { SIGINT: 130, SIGBREAK: 149, SIGHUP: 129 } : { SIGINT: 130, SIGTERM: 143 };

const stop = new StopSignals((code) => process.exit(code));
for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => stop.take(signal, code));

const code = await runCli(process.argv.slice(2), processIo(process, stop), commands);
// Connections kept alive, and what a user's module keeps open, must not hold the command once it is done.
exitWritten(process, code);
