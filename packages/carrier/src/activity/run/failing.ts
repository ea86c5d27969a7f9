import type { TaskFailure } from "./failures.js";
import type { trouble } from "./trouble.js";

/*
 * What puts failures into words is no part of what is loaded at first: the first tasks of a process do best without.
 */

type Trouble = typeof trouble;

/** Why a task fails, for what is loaded then to put into words. */
export type Failing = (told: Trouble) => TaskFailure;

let loaded: Trouble | undefined;

/** @throws {unknown} (as a rejection) what the platform says where it cannot be loaded; the next call tries again */
export async function loadTrouble(): Promise<Trouble> {
  return (loaded ??= (await import("./trouble.js")).trouble);
}

export async function failed(failing: Failing): Promise<TaskFailure> {
  return failing(await loadTrouble());
}

export function isFailing(value: object | null): value is Failing {
  return typeof value === "function";
}

export function isFailure(value: object): value is TaskFailure {
  return "classification" in value;
}

let isPrepared = false;

/** Loads it before it is needed: the files of a process that runs for long may be replaced meanwhile. */
export function prepare(): void {
  if (isPrepared) return;
  isPrepared = true;
  loadTrouble().catch(() => {});
}
