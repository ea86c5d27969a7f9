import { rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { at, numberAt, PATHS, parseJson, textAt } from "@durable-workflow/engine-protocol";
import { isLoopbackHost } from "@durable-workflow/engine-protocol/executor-config";
import { NoAnswer } from "../net/exchange.js";
import type { HttpClient } from "../net/http-client.js";
import { shownUrl } from "../net/shown-url.js";
import { isOwnFolder, ownFolder, readOwnFile, writeOwnFile } from "./own-files.js";

export const DEFAULT_DATA_FOLDER = ".dw";
const FILE = "dev.json";
/** What a data folder holds: the engine's database and its companions, payloads, and the word that dev leaves. */
const ENTRIES = [
  FILE,
  "payloads",
  ...["", "-wal", "-shm", "-journal", "-commits", "-payloads"].map((end) => `engine.sqlite${end}`),
];
/** A busy machine may keep a process from answering for seconds: that does not make it another one. */
const PROBE_MS = 10_000;

/** What a running `dw-carrier dev` or `dw-carrier engine` leaves in its data folder, so that other commands find it. */
export interface DevState {
  /** Which command it is. */
  readonly command: "dev" | "engine";
  /** The engine's address: on this machine. */
  readonly url: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly pid: number;
  /** Where that command itself can be asked to do something; undefined for one that takes no requests. */
  readonly control: ControlAddress | undefined;
}

/** Where a command takes requests of its own user, on this machine. */
export interface ControlAddress {
  readonly port: number;
  /** Names the very process: a process id and a port may be another's by now. */
  readonly id: string;
  /** Only who may read the file knows it. */
  readonly token: string;
}

/** Where the one who asks is told the `id`. */
export const CONTROL_PATHS = { identity: "/", backup: "/backup" } as const;

export const CONTROL_HOST = "127.0.0.1";

/** What was found of such a command. */
export interface FoundDevState {
  /** Of the one that runs; undefined for none. */
  readonly state: DevState | undefined;
  /** Sentences on what lay there and is not used, and why. */
  readonly setAside: readonly string[];
}

/** Where such a command is looked for, and how its engine is asked. */
export interface Places {
  readonly cwd: string;
  readonly http: HttpClient;
}

/**
 * Makes the folder in which `dw-carrier dev` keeps its data: nobody else's, and without links to elsewhere.
 *
 * @throws {CliError} with exit code 78
 */
export function prepareDataFolder(folder: string): Promise<void> {
  return ownFolder(folder, ENTRIES, basename(folder) === DEFAULT_DATA_FOLDER);
}

/** @throws {CliError} with exit code 78 for a folder that others may write to */
export async function writeDevState(folder: string, state: DevState): Promise<void> {
  await prepareDataFolder(folder);
  await writeOwnFile(join(folder, FILE), `${JSON.stringify(state, null, 2)}\n`);
}

/** Removes what this process has left; another one's stays. */
export async function removeDevState(folder: string): Promise<void> {
  const found = await readState(join(folder, FILE));
  if (typeof found === "object" && found.pid === process.pid) await rm(join(folder, FILE), { force: true });
}

/** The state of the command that runs in the folder; undefined when none does. */
export async function readDevState(folder: string, places: Places): Promise<DevState | undefined> {
  return (await findDevState(folder, places)).state;
}

/**
 * Looks for the `dw-carrier dev` or `dw-carrier engine` that runs with a data folder. Its word counts when nobody else can
 * have written it, when it names an engine on this machine, and when its process lives and its engine answers.
 *
 * @param folder undefined for the default one of the working directory, or of the nearest folder above it that has one of
 *   a command that runs, as far up as the folders belong to who runs this one
 */
export async function findDevState(folder: string | undefined, { cwd, http }: Places): Promise<FoundDevState> {
  if (folder !== undefined) return judge(join(resolve(cwd, folder), FILE), http);
  const setAside: string[] = [];
  for (let here = resolve(cwd); await isOwnFolder(here); here = dirname(here)) {
    const found = await judge(join(here, DEFAULT_DATA_FOLDER, FILE), http);
    setAside.push(...found.setAside);
    // Beyond what a command has left that is gone there may be one that runs; beyond what is not believed nobody looks.
    const isOver = found.state !== undefined || (found.setAside.length > 0 && !found.isStale);
    if (isOver || here === dirname(here)) return { state: found.state, setAside };
  }
  return { state: undefined, setAside };
}

/** What a folder says, and whether it is a leftover of a command that has ended. */
type Judgement = FoundDevState & { readonly isStale: boolean };

async function judge(path: string, http: HttpClient): Promise<Judgement> {
  const state = await readState(path);
  if (state === undefined) return { state, setAside: [], isStale: false };
  const isStale = typeof state === "object";
  const why = isStale ? await absence(state, http) : state;
  if (why === undefined && isStale) return { state, setAside: [], isStale: false };
  return {
    state: undefined,
    setAside: [`${path}, the word of a dw-carrier dev, is set aside: ${why ?? ""}.`],
    isStale,
  };
}

/** The state that a file holds, why it is not believed, or undefined where there is none. */
async function readState(path: string): Promise<DevState | string | undefined> {
  const found = await readOwnFile(path);
  if ("absent" in found) return undefined;
  if ("refused" in found) return found.refused;
  const document = parseJson(found.text);
  const url = textAt(document, "url");
  const pid = numberAt(document, "pid");
  if (url === undefined || !URL.canParse(url)) return "its url is not a URL";
  if (pid === undefined || !Number.isSafeInteger(pid) || pid < 1) return "its pid is not a process id";
  const { protocol, hostname, username, password, pathname, search, hash } = new URL(url);
  // An address: a name may be resolved to anywhere.
  if (protocol !== "http:" || !isLoopbackHost(hostname) || !/^[\d.]+$|^\[/.test(hostname)) {
    return `its engine, ${shownUrl(url)}, is not on this machine: --server URL names one elsewhere`;
  }
  if (username + password + search + hash !== "" || pathname !== "/")
    return `its url, ${shownUrl(url)}, is not an engine's`;
  return {
    command: textIn(document, "command", "dev") === "engine" ? "engine" : "dev",
    url: url.replace(/\/+$/, ""),
    pid,
    namespace: textIn(document, "namespace", "default"),
    taskQueue: textIn(document, "taskQueue", "default"),
    control: controlIn(at(document, "control")),
  };
}

function controlIn(document: unknown): ControlAddress | undefined {
  const port = numberAt(document, "port");
  const id = textAt(document, "id");
  const token = textAt(document, "token");
  const isPort = port !== undefined && Number.isInteger(port) && port > 0 && port <= 65_535;
  return isPort && id !== undefined && token !== undefined ? { port, id, token } : undefined;
}

function textIn(document: unknown, name: string, otherwise: string): string {
  const value = at(document, name);
  return typeof value === "string" && value !== "" ? value : otherwise;
}

/** Why the command that left word cannot be reached; undefined when it runs. */
async function absence({ pid, url, control }: DevState, http: HttpClient): Promise<string | undefined> {
  if (!isAlive(pid)) return `its process, ${pid}, has ended`;
  // The process id may be another's by now, and so may the port.
  if (control !== undefined && !(await isThere(control, http))) return `its process, ${pid}, is another one by now`;
  try {
    const { status, body } = await http.exchange(new URL(`${url}${PATHS.health}`), {
      method: "GET",
      headers: { accept: "application/json" },
      timeoutMs: PROBE_MS,
    });
    if (status === 200 && textAt(parseJson(body), "status") !== undefined) return undefined;
    return `what answers at ${url} is not an engine`;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return `its engine, ${url}, does not answer (${error.message})`;
  }
}

/** Whether the very process that left word answers. */
async function isThere({ port, id }: ControlAddress, http: HttpClient): Promise<boolean> {
  try {
    const url = new URL(CONTROL_PATHS.identity, `http://${CONTROL_HOST}:${port}`);
    const { body } = await http.exchange(url, { method: "GET", headers: {}, timeoutMs: PROBE_MS });
    return textAt(parseJson(body), "id") === id;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return false;
  }
}

/** Whether it is a process of ours: whose word the file is, the process is too. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
