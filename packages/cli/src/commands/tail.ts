import { setTimeout as sleep } from "node:timers/promises";
import { CONNECTION_OPTIONS, connectionOf } from "../engine/connection.js";
import { ControlPlane } from "../engine/control-plane.js";
import { changesBetween, type EngineEvent } from "../engine/engine-event.js";
import { parseQuery, QUERY_OPTION, type Query } from "../engine/query.js";
import { HttpClient } from "../net/http-client.js";
import { atMost, textOption, wordsOption } from "../options/values.js";
import { clockTime, inOneLine, say, sayJson, statusStyle } from "../report/words.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";
import { unlessStopped } from "../shell/stopped.js";

const EVENTS = ["scheduled", "started", "heartbeat", "retry_scheduled", "lease_expired", "closed"];
/** How often an engine without a stream of events is asked, and how many of the newest activities it is asked for. */
const POLL_MS = 1_000;
const LOOKED_AT = 200;
/** Between two tries to reach an engine that has gone. */
const AGAIN_MS = 1_000;

export const tail: Command = {
  name: "tail",
  summary: "Follows what happens on an engine",
  usage: "[OPTIONS]",
  options: {
    events: { type: "string", value: "NAMES", help: `only these: ${EVENTS.join(", ")}` },
    ...QUERY_OPTION,
    ...CONNECTION_OPTIONS,
  },
  description: `From now on, until it is stopped; an engine that goes away is waited for. An engine that streams no events, as servers do not, is
asked every second: scheduled and closed are then all that can be told, of the newest activities.
With --json: a line for each event.`,
  examples: [
    { line: "dw-carrier tail --events closed --query 'type=billing.*'", what: "how activities end, as they do" },
    { line: "dw-carrier tail --query status=failed --json", what: "each failure, as a JSON line" },
  ],
  run: runTail,
};

async function runTail(input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  atMost(input, 0, "Activities are chosen with --query.");
  const wanted = eventsOption(input);
  const text = textOption(input, "query");
  const query: Query = text === undefined ? () => true : parseQuery(text, Date.now());
  if (text !== undefined && /(?:^|\s)(?:key|older|newer)!?=/.test(text)) {
    throw new CliError(
      EXIT.usage,
      "events tell neither business keys nor ages: --query of tail takes id, type, queue, status",
    );
  }
  const client = new ControlPlane(await unlessStopped(io.signal, () => connectionOf(input, io)), new HttpClient(io));
  const show = (event: EngineEvent): void => {
    const name = event.event.replace(/^activity\./, "");
    const { id, type, taskQueue: queue, status } = event;
    if (wanted !== undefined && !wanted.includes(name)) return;
    if (!query({ id, type, queue, status, key: null, startedAt: null })) return;
    if (input.json) sayJson(io, event);
    else say(io, lineOf(event, name, io));
  };
  await unlessStopped(io.signal, async () => {
    const isStreamed = await streamed(client, io, show);
    if (!isStreamed) await polled(client, io, show);
  });
  return EXIT.ok;
}

function eventsOption(input: CommandInput): readonly string[] | undefined {
  const wanted = wordsOption(input, "events");
  const unknown = wanted?.find((name) => !EVENTS.includes(name));
  if (unknown === undefined) return wanted;
  throw new CliError(EXIT.usage, `--events has no ${unknown}`, `There are ${EVENTS.join(", ")}.`);
}

/** Reads the stream of events, again where it ends. False where the engine has none. */
async function streamed(client: ControlPlane, io: CliIo, show: (event: EngineEvent) => void): Promise<boolean> {
  for (let isFirst = true; !io.signal.aborted; isFirst = false) {
    const ended = new AbortController();
    const isThere = await client.onEvents(io.signal, show, () => ended.abort());
    if (isThere) await aborted(ended.signal);
    else if (isFirst) return false;
    if (io.signal.aborted) break;
    if (isThere) io.err(`The engine at ${client.url} ended its events; it is asked again.\n`);
    await sleep(AGAIN_MS, undefined, { signal: io.signal }).catch(() => {});
  }
  return true;
}

/** Asks for the newest activities again and again. @throws {CliError} when the engine cannot be asked at first */
async function polled(client: ControlPlane, io: CliIo, show: (event: EngineEvent) => void): Promise<void> {
  let before = await client.list(LOOKED_AT, {});
  io.err("This engine streams no events: it is asked every second, and only starts and ends can be told.\n");
  while (!io.signal.aborted) {
    await sleep(POLL_MS, undefined, { signal: io.signal }).catch(() => {});
    try {
      const after = await client.list(LOOKED_AT, {});
      for (const event of changesBetween(before, after)) show(event);
      before = after;
    } catch (error) {
      // It may be back soon.
      if (!(error instanceof CliError) || error.exitCode !== EXIT.unreachable) throw error;
    }
  }
}

function lineOf(event: EngineEvent, name: string, { paint }: CliIo): string {
  const { at, id, type, taskQueue, status, attempt, worker } = event;
  const what = name === "closed" ? paint[statusStyle(status)](status) : name.replace("_", " ");
  const facts = [
    `queue ${taskQueue}`,
    ...(attempt === null || attempt === 0 ? [] : [`attempt ${attempt}`]),
    ...(worker === null || name === "closed" ? [] : [worker]),
  ];
  return inOneLine(
    `${paint.dim(clockTime(new Date(at)))}  ${what}  ${paint.bold(type)}  ${id}  ${paint.dim(facts.join("  "))}`,
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
