// Processes that are measured: what each has used of the processor, and of memory, with all that it has started.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Ticks of /proc are a hundredth of a second on every Linux that Node runs on. */
const MS_PER_TICK = 10;

/** Why processes cannot be measured here, or undefined. */
export const cannotMeasure = existsSync("/proc/self/stat") ? undefined : "it reads /proc, which only Linux has";

export class Measured {
  /**
   * @param {string} name
   * @param {string} program
   * @param {readonly string[]} args
   * @param {{ cwd?: string, env?: Record<string, string>, ready?: RegExp }} [options] what it prints once it can be used
   */
  constructor(name, program, args, { cwd, env = {}, ready } = {}) {
    this.name = name;
    this.said = "";
    this.child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.ready = new Promise((resolve, reject) => {
      const read = (chunk) => {
        // What services log of each task is read and dropped, as a log collector would.
        if (this.said.length < 20_000) this.said += chunk;
        const found = ready?.exec(this.said);
        if (found) resolve(found);
      };
      for (const stream of [this.child.stdout, this.child.stderr]) stream.setEncoding("utf8").on("data", read);
      this.child.once("error", reject);
      this.child.once("close", (code) => reject(new Error(`${name} ended with ${code}: ${this.said.slice(-1_000)}`)));
      if (ready === undefined) resolve(undefined);
    });
    // Whoever stops it does not wait for it to be ready.
    this.ready.catch(() => undefined);
  }

  /** Every process of it, those that it has started included. */
  get pids() {
    const parents = new Map();
    for (const entry of readdirSync("/proc")) {
      if (!/^\d+$/.test(entry)) continue;
      const stat = statOf(entry);
      if (stat !== undefined) parents.set(Number(entry), stat.parent);
    }
    const pids = [this.child.pid];
    for (const pid of pids) for (const [child, parent] of parents) if (parent === pid) pids.push(child);
    return pids;
  }

  /** Milliseconds of the processor, user and system, so far. */
  get cpuMs() {
    return this.pids.reduce((sum, pid) => sum + (statOf(pid)?.cpuMs ?? 0), 0);
  }

  /** What is in memory now, shared pages counted in part, in MB. */
  get memoryMb() {
    return this.pids.reduce((sum, pid) => sum + proportionalMb(pid), 0);
  }

  /** @param {NodeJS.Signals} [signal] */
  async stop(signal = "SIGKILL") {
    const { child, pids } = this;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise((resolve) => child.once("close", resolve));
    child.kill(signal);
    if (signal === "SIGKILL") {
      for (const pid of pids.slice(1)) {
        try {
          process.kill(Number(pid), signal);
        } catch {
          // It went with its parent.
        }
      }
    }
    await closed;
  }
}

function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name may hold anything; what follows its last parenthesis does not.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number);
    return { parent: Number(fields[1]), cpuMs: (user + system + childUser + childSystem) * MS_PER_TICK };
  } catch {
    return undefined;
  }
}

function proportionalMb(pid) {
  try {
    const found = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
    return Number(found?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
