#!/usr/bin/env node
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { commands } from "./commands/index.js";
import { runCli } from "./shell/main.js";
import { exitWritten, processIo } from "./shell/terminal.js";

/** Windows has no SIGTERM: it tells of Ctrl-Break, and, by SIGHUP, that the window is being closed. */
const SIGNALS =
  process.platform === "win32" ? { SIGINT: 130, SIGBREAK: 149, SIGHUP: 129 } : { SIGINT: 130, SIGTERM: 143 };

// V8 looks through its whole heap each time that it and the memory of buffers have grown by a part of the heap. The heap of these
// commands is small, so that a few payloads of a megabyte are such a part: they may grow as far as V8 itself lets programs grow
// that collect little, to four times what is in use.
setFlagsFromString("--heap-growing-percent=300");

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
