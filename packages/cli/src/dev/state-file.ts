import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

export const DEFAULT_DATA_FOLDER = ".dw";
const FILE = "dev.json";

/** What a running `dw-carrier dev` leaves in its data folder, so that other commands find it. */
export interface DevState {
  /** The engine's address. */
  readonly url: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly carrierUrl: string;
  readonly pid: number;
}

export async function writeDevState(folder: string, state: DevState): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, FILE), `${JSON.stringify(state, null, 2)}\n`);
}

/** Removes what this process has left; another one's stays. */
export async function removeDevState(folder: string): Promise<void> {
  const state = await readState(folder);
  if (state?.pid === process.pid) await rm(join(folder, FILE), { force: true });
}

/** The state of the `dw-carrier dev` that runs in the folder; undefined when none does. */
export async function readDevState(folder: string, cwd: string): Promise<DevState | undefined> {
  const state = await readState(resolve(cwd, folder));
  return state !== undefined && isAlive(state.pid) ? state : undefined;
}

async function readState(folder: string): Promise<DevState | undefined> {
  try {
    const state = JSON.parse(await readFile(join(folder, FILE), "utf8")) as Partial<DevState> | null;
    if (typeof state?.url !== "string" || typeof state.pid !== "number") return undefined;
    return { namespace: "default", taskQueue: "default", carrierUrl: "", ...state, url: state.url, pid: state.pid };
  } catch {
    // Not there, or written by something else: nobody has left word.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
