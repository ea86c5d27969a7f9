import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Why processes cannot be looked into here, or undefined. */
export const cannotLook = existsSync("/proc/self/stat") ? undefined : "it reads /proc, which only Linux has";

const PAGE_BYTES = 4096;

/** A process and all that it has started. @param children as {@link childrenOf} has found them */
export function treeOf(pid: number, children = childrenOf()): readonly number[] {
  const all = [pid];
  for (const one of all) all.push(...(children.get(one) ?? []));
  return all;
}

/** Who has started whom, of all processes of this machine. */
export function childrenOf(): ReadonlyMap<number, readonly number[]> {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = parentOf(entry);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  return children;
}

function parentOf(pid: string): number | undefined {
  const text = read(`/proc/${pid}/stat`);
  // The name may hold anything; what follows its last parenthesis does not.
  return text === undefined ? undefined : Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1]);
}

/** What processes hold, and have used. */
export interface Use {
  /** In memory, shared pages counted once for each process. */
  readonly mb: number;
  readonly descriptors: number;
  /** Of the processor, since they began. */
  readonly cpuMs: number;
}

/** Ticks of `/proc` are of 10 ms on every Linux there is. */
const TICK_MS = 10;

export function useOf(pids: readonly number[]): Use {
  let [bytes, descriptors, cpuMs] = [0, 0, 0];
  for (const pid of pids) {
    const stat = read(`/proc/${pid}/stat`);
    const [user, system] =
      stat
        ?.slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .slice(11, 13) ?? [];
    cpuMs += (Number(user ?? 0) + Number(system ?? 0)) * TICK_MS;
    bytes += Number(read(`/proc/${pid}/statm`)?.split(" ")[1] ?? 0) * PAGE_BYTES;
    try {
      descriptors += readdirSync(`/proc/${pid}/fd`).length;
    } catch {
      // It has ended.
    }
  }
  return { mb: bytes / 1024 / 1024, descriptors, cpuMs };
}

/** Processes whose environment has this: what a run has started and left behind. */
export function withEnvironment(text: string): readonly number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && read(`/proc/${entry}/environ`)?.includes(text) === true)
    .map(Number);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
