import { writeSync } from "node:fs";
import { type Debugger, Session } from "node:inspector";
import { SourceMap, type SourceMapPayload } from "node:module";
import process from "node:process";
import { workerData } from "node:worker_threads";
import { BEAT_MS, type BlockedBy, CURRENT_RUN, type WatchdogData } from "./watchdog.js";

/** The thread beside the one that runs activities; see `startWatchdog`. */

/** Turns of ours without a beat of the main thread: with time of the clock, a machine that slept would look blocked. */
const BLOCKED_TURNS = 4_000 / BEAT_MS;
const FRAMES = 5;

const { beats, parent, fd } = workerData as WatchdogData;
const count = new Int32Array(beats);
let seen = 0;
let silent = 0;

setInterval(() => {
  // Whoever started us is dead, and the main thread may never hear of it.
  if (process.ppid !== parent) process.kill(process.pid, "SIGKILL");
  const now = Atomics.load(count, 0);
  silent = now === seen ? silent + 1 : 0;
  seen = now;
  if (silent === BLOCKED_TURNS) examine();
}, BEAT_MS);

/** Stops the main thread for a moment, as a debugger does, and looks what it is at. */
function examine(): void {
  const session = new Session();
  session.connectToMainThread();
  const scripts = new Map<string, Script>();
  session.on("Debugger.scriptParsed", ({ params }) => scripts.set(params.scriptId, params));
  session.on("Debugger.paused", ({ params: { callFrames } }) => {
    const [innermost] = callFrames;
    const expression = `globalThis[Symbol.for(${JSON.stringify(CURRENT_RUN)})]()`;
    const callFrameId = innermost?.callFrameId ?? "";
    session.post("Debugger.evaluateOnCallFrame", { callFrameId, expression }, (_error, answer) => {
      const stack = callFrames.slice(0, FRAMES).map((frame) => place(frame, scripts));
      const current: unknown = answer?.result.value;
      write({ run: typeof current === "string" ? (JSON.parse(current) as BlockedBy["run"]) : null, stack });
      session.post("Debugger.resume", () => session.disconnect());
    });
  });
  session.post("Debugger.enable");
  session.post("Debugger.pause");
}

type Script = Pick<Debugger.ScriptParsedEventDataType, "url" | "sourceMapURL">;

function place({ functionName, location }: Debugger.CallFrame, scripts: ReadonlyMap<string, Script>): string {
  const { scriptId, lineNumber, columnNumber = 0 } = location;
  const script = scripts.get(scriptId);
  // Of a module that was loaded from a file.
  const file = script?.url ?? "";
  const { line, column } = written(script, lineNumber, columnNumber);
  return `${functionName || "<anonymous>"} (${file}:${line + 1}:${column + 1})`;
}

/** The place in the file as it was written, where it was compiled with its source map inside. */
function written(
  script: Script | undefined,
  line: number,
  column: number,
): { readonly line: number; readonly column: number } {
  const [, base64] = /^data:application\/json[^,]*;base64,(.*)$/.exec(script?.sourceMapURL ?? "") ?? [];
  if (base64 === undefined) return { line, column };
  try {
    const map = new SourceMap(JSON.parse(Buffer.from(base64, "base64").toString()) as SourceMapPayload);
    const entry = map.findEntry(line, column);
    return "originalLine" in entry ? { line: entry.originalLine, column: entry.originalColumn } : { line, column };
  } catch {
    return { line, column };
  }
}

function write(found: BlockedBy): void {
  try {
    writeSync(fd, `${JSON.stringify(found)}\n`);
  } catch {
    // Nobody reads it any more.
  }
}
