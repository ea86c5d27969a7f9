import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { treeOf } from "./proc.js";
import { realNow } from "./real-time.js";

export interface PartOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Loaded before its program. */
  readonly preload: string;
}

/** One life of a part's process. */
export interface Life {
  readonly pid: number;
  readonly from: number;
  to: number | undefined;
  /** `killed` by us, `ended` when told to or by itself with 0, `crashed` by itself. */
  end: "killed" | "ended" | "crashed" | undefined;
}

const RESTART_MS = 500;

/** A process that is killed, frozen and started again; what it says goes to files that all its lives share. */
export class Part {
  readonly name: string;
  readonly lives: Life[] = [];
  readonly output: string;
  private readonly options: PartOptions;
  private readonly clockFile: string;
  private child: ChildProcess | undefined;
  private frozen: readonly number[] = [];
  private isKept = true;
  /** Whether it is to be started as soon as it has ended: one that waits for its disk does not end at once. */
  private isAwaited = false;

  constructor(options: PartOptions) {
    this.options = options;
    this.name = options.name;
    this.output = join(options.folder, `${options.name}.log`);
    this.clockFile = join(options.folder, `${options.name}.clock`);
    writeFileSync(this.clockFile, "0");
  }

  get life(): Life | undefined {
    return this.lives.at(-1);
  }

  get pid(): number | undefined {
    const { life } = this;
    return life?.to === undefined ? life?.pid : undefined;
  }

  /** What all its lives have written as errors: a service that logs has nothing to say there. */
  get complaints(): string {
    return readFileSync(`${this.output}.errors`, "utf8");
  }

  /** Starts it; one that has been killed, and has not ended yet, once it has. */
  start(): void {
    this.isAwaited = this.pid !== undefined && this.life?.end === "killed";
    if (this.pid !== undefined) return;
    const { args, folder, env = {}, preload } = this.options;
    const { PATH = "", HOME = "" } = process.env;
    const child = spawn(process.execPath, args, {
      cwd: folder,
      // An interrupt from a terminal is for the process that judges alone.
      detached: true,
      stdio: ["ignore", openSync(this.output, "a"), openSync(`${this.output}.errors`, "a")],
      env: {
        PATH,
        HOME,
        DW_CONFIG_HOME: join(folder, "no-profiles"),
        NODE_OPTIONS: `--trace-warnings --import=${preload}`,
        CHAOS_CLOCK: this.clockFile,
        CHAOS_FOLDER: folder,
        ...env,
      },
    });
    const life: Life = { pid: child.pid ?? 0, from: realNow(), to: undefined, end: undefined };
    this.lives.push(life);
    this.child = child;
    child.once("exit", (code) => {
      life.to = realNow();
      life.end ??= code === 0 ? "ended" : "crashed";
      if (this.isAwaited && this.isKept) this.start();
      // As whatever runs it in production would.
      if (life.end === "crashed" && this.isKept) setTimeout(() => this.isKept && this.start(), RESTART_MS);
    });
  }

  /** Resolves when it has ended by itself. */
  async untilEnded(): Promise<void> {
    while (this.life?.end !== "ended") await new Promise((resolve) => setTimeout(resolve, 100));
  }

  kill(): void {
    const { life } = this;
    if (life === undefined || life.to !== undefined) return;
    life.end = "killed";
    this.child?.kill("SIGKILL");
  }

  freeze(): void {
    if (this.pid === undefined) return;
    this.frozen = treeOf(this.pid);
    for (const pid of this.frozen) signal(pid, "SIGSTOP");
  }

  thaw(): void {
    for (const pid of this.frozen) signal(pid, "SIGCONT");
    this.frozen = [];
  }

  /** Sets its clock ahead of the machine's; those of its next lives, too. */
  step(aheadMs: number): void {
    writeFileSync(this.clockFile, String(aheadMs));
  }

  /** Tells it to end, and waits; kills it when that takes too long. @returns whether it ended when told to */
  async stop(patienceMs: number): Promise<boolean> {
    this.isKept = false;
    this.thaw();
    const { life, child } = this;
    if (life === undefined || life.to !== undefined || child === undefined) return true;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
    await ended;
    clearTimeout(timer);
    return child.signalCode !== "SIGKILL";
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}
