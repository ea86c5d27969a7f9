#!/usr/bin/env node
import process from "node:process";
import { commands } from "./commands/index.js";
import { runCli } from "./shell/main.js";
import { exitWritten, processIo } from "./shell/terminal.js";

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

const stop = new AbortController();
for (const [signal, code] of Object.entries(SIGNALS)) {
  process.on(signal, () => {
    // The second one means now.
    if (stop.signal.aborted) process.exit(code);
    stop.abort(signal);
  });
}

const code = await runCli(process.argv.slice(2), processIo(process, stop.signal), commands);
// Connections kept alive, and what a user's module keeps open, must not hold the command once it is done.
exitWritten(process, code);
