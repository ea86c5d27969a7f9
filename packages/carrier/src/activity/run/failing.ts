import type { TaskFailure } from "./failures.js";
import type { trouble } from "./trouble.js";

/*
 * What puts failures into words is no part of what is loaded at first: the first tasks of a process do best without.
 */

type Trouble = typeof trouble;

/** Those that make a failure of what they are told. */
type Reason = {
  [Name in keyof Trouble]: Trouble[Name] extends (...about: never[]) => TaskFailure ? Name : never;
}[keyof Trouble];

/**
 * Why a task fails: a failure, or what it is to be made of, once that is loaded. A list rather than a function that would
 * make it: what a function holds costs the tasks that go well, too.
 */
export type Failing =
  | TaskFailure
  | { [Name in Reason]: readonly [reason: Name, ...about: Parameters<Trouble[Name]>] }[Reason];

let loaded: Trouble | undefined;

/**
 * @throws {unknown} (as a rejection) what the platform says where it cannot be loaded. The next call tries again: in vain on Node
 *   where the file was there and could not be opened (EMFILE), which it remembers
 */
export async function loadTrouble(): Promise<Trouble> {
  return (loaded ??= (await import("./trouble.js")).trouble);
}

export async function failed(failing: Failing): Promise<TaskFailure> {
  if ("classification" in failing) return failing;
  const trouble = await loadTrouble();
  const [reason, ...about] = failing;
  return (trouble[reason] as (...about: readonly unknown[]) => TaskFailure)(...about);
}

export function isFailing(value: object | null): value is Failing {
  return value !== null && ("classification" in value || Array.isArray(value));
}

let isPrepared = false;

/** Loads it before it is needed: the files of a process that runs for long may be replaced meanwhile. */
export function prepare(): void {
  if (isPrepared) return;
  isPrepared = true;
  loadTrouble().catch(() => {});
}
