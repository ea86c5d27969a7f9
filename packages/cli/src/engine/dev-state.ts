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
const ENTRIES = [FILE, "payloads", ...["", "-wal", "-shm", "-journal"].map((end) => `engine.sqlite${end}`)];
const PROBE_MS = 2_000;

/** What a running `dw-carrier dev` leaves in its data folder, so that other commands find it. */
export interface DevState {
  /** The engine's address: on this machine. */
  readonly url: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly carrierUrl: string;
  readonly pid: number;
}

/** What was found of a `dw-carrier dev`. */
export interface FoundDevState {
  /** Of the one that runs; undefined for none. */
  readonly state: DevState | undefined;
  /** Sentences on what lay there and is not used, and why. */
  readonly setAside: readonly string[];
}

/** Where a `dw-carrier dev` is looked for, and how its engine is asked. */
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

/** The state of the `dw-carrier dev` that runs in the folder; undefined when none does. */
export async function readDevState(folder: string, places: Places): Promise<DevState | undefined> {
  return (await findDevState(folder, places)).state;
}

/**
 * Looks for the `dw-carrier dev` that runs with a data folder. Its word counts when nobody else can have written it, when
 * it names an engine on this machine, and when its process lives and its engine answers.
 *
 * @param folder undefined for the default one of the working directory, or of the nearest folder above it that has one,
 *   as far up as the folders belong to who runs the command
 */
export async function findDevState(folder: string | undefined, { cwd, http }: Places): Promise<FoundDevState> {
  if (folder !== undefined) return judge(join(resolve(cwd, folder), FILE), http);
  const setAside: string[] = [];
  for (let here = resolve(cwd); await isOwnFolder(here); here = dirname(here)) {
    const found = await judge(join(here, DEFAULT_DATA_FOLDER, FILE), http);
    setAside.push(...found.setAside);
    if (found.state !== undefined || found.setAside.length > 0 || here === dirname(here)) {
      return { state: found.state, setAside };
    }
  }
  return { state: undefined, setAside };
}

async function judge(path: string, http: HttpClient): Promise<FoundDevState> {
  const state = await readState(path);
  if (state === undefined) return { state, setAside: [] };
  const why = typeof state === "string" ? state : await absence(state, http);
  if (why === undefined && typeof state === "object") return { state, setAside: [] };
  return { state: undefined, setAside: [`${path}, the word of a dw-carrier dev, is set aside: ${why ?? ""}.`] };
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
    url: url.replace(/\/+$/, ""),
    pid,
    namespace: textIn(document, "namespace", "default"),
    taskQueue: textIn(document, "taskQueue", "default"),
    carrierUrl: textIn(document, "carrierUrl", ""),
  };
}

function textIn(document: unknown, name: string, otherwise: string): string {
  const value = at(document, name);
  return typeof value === "string" && value !== "" ? value : otherwise;
}

/** Why the command that left word cannot be reached; undefined when it runs. */
async function absence({ pid, url }: DevState, http: HttpClient): Promise<string | undefined> {
  if (!isAlive(pid)) return `its process, ${pid}, has ended`;
  try {
    // The process id may be another's by now, and so may the port.
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

/** Whether it is a process of ours: whose word the file is, the process is too. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
