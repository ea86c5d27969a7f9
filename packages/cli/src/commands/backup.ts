import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { backupRunning } from "../engine/backup.js";
import { DEFAULT_DATA_FOLDER, findDevState } from "../engine/dev-state.js";
import { HttpClient } from "../net/http-client.js";
import { atMost, flag, positional, textOption } from "../options/values.js";
import { say, sayJson } from "../report/words.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";

export const backup: Command = {
  name: "backup",
  summary: "Copies what the engine of dw-carrier dev or engine has on record, while it runs",
  usage: "FILE [OPTIONS]",
  options: {
    overwrite: { type: "boolean", help: "replace a file that is there, once the copy is whole" },
    data: {
      type: "string",
      value: "DIR",
      help: `folder of the engine; default ${DEFAULT_DATA_FOLDER}, here or in a folder above`,
    },
  },
  description: `The copy holds all that was answered before; large payloads lie beside it, in FILE-payloads. It is whole once the command
ends, and for your eyes only (0600). An engine that does not run is copied too. To go back to a copy, end the engine, and put
FILE and FILE-payloads in the place of engine.sqlite and engine.sqlite-payloads; remove engine.sqlite-wal, -shm and
-commits.`,
  examples: [{ line: "dw-carrier backup before-upgrade.sqlite", what: "copies the engine of this folder" }],
  run: runBackup,
};

async function runBackup(input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  const given = positional(input, 0, "FILE");
  atMost(input, 1);
  const file = resolve(io.cwd, given);
  const overwrite = flag(input, "overwrite");
  const data = textOption(input, "data");
  const http = new HttpClient(io);
  const { state, setAside } = await findDevState(data, { cwd: io.cwd, http });
  if (state !== undefined) await backupRunning(state, { file, overwrite }, { http, io });
  else {
    for (const sentence of setAside) io.err(`${sentence}\n`);
    const folder = resolve(io.cwd, data ?? DEFAULT_DATA_FOLDER);
    if (!existsSync(join(folder, "engine.sqlite"))) {
      const what = `there is nothing to copy: no engine runs here, and ${folder} holds none`;
      throw new CliError(EXIT.failed, what, "Name the folder of the engine with --data.");
    }
    const { backupClosed } = await import("../host/engine/engine-host.js");
    await backupClosed(folder, file, overwrite);
  }
  if (input.json) sayJson(io, { file, engineUrl: state?.url ?? null });
  else say(io, `The copy is in ${given}.`);
  return EXIT.ok;
}
