import type { HandleOptions, InvocableHandler } from "@durable-workflow/carrier";
import { type InvocableResultEnvelope, parseExternalTaskInput } from "@durable-workflow/carrier/protocol";
import { CliError, EXIT } from "../../shell/command.js";
import type { ActivityFile } from "../activities/collect.js";
import { FileWatch } from "../activities/watch.js";
import { type Crash, crashEnvelope } from "./crash.js";
import { type HostNews, HostProcess, type HostProcessOptions } from "./host-process.js";
import type { FromHost, HostProblem } from "./messages.js";

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** One that lived so long did not die of how it starts. */
const SETTLED_MS = 30_000;
/** How long a task waits for a process to run in. */
const PATIENCE_MS = 30_000;

export interface ActivityProcessEvents {
  /** The activities are loaded again, and may be others. */
  onReload(types: readonly ActivityFile[]): void;
  onBroken(problem: CliError): void;
  /** A new process runs, with the activities of before. */
  onRestart(): void;
  onCrash(crash: Crash): void;
  onLog(log: Extract<FromHost, { kind: "log" }>): void;
}

/**
 * Activities in a process of their own: whatever they do to it, this one goes on. It is started again when it ends, after
 * a pause that grows; tasks that come meanwhile wait for it. Fit for every adapter.
 */
export class ActivityProcess implements InvocableHandler {
  readonly carrier: string;
  private readonly options: HostProcessOptions;
  private readonly events: ActivityProcessEvents;
  private readonly waiting = new Set<() => void>();
  /** Sees changes while the process cannot, as its thread is blocked. */
  private readonly rescue = new FileWatch(() => {
    this.host?.terminate("was ended to load what was changed, as its thread was blocked");
  });
  private sources: readonly string[] = [];
  private host: HostProcess | undefined;
  private types: readonly ActivityFile[] = [];
  private schemas: NonNullable<InvocableHandler["inputSchemas"]> = new Map();
  private isReady = false;
  private pause = FIRST_PAUSE_MS;
  private restart: NodeJS.Timeout | undefined;
  private isStopping = false;
  private onFirst: { readonly resolve: () => void; readonly reject: (error: CliError) => void } | undefined;

  constructor(options: HostProcessOptions, events: ActivityProcessEvents) {
    this.carrier = options.host.carrier;
    this.options = options;
    this.events = events;
  }

  /**
   * @returns the activities
   * @throws {CliError} (as a rejection) for files that cannot be loaded; it is still to be stopped
   */
  async start(): Promise<readonly ActivityFile[]> {
    await new Promise<void>((resolve, reject) => {
      this.onFirst = { resolve, reject };
      this.launch();
    });
    this.onFirst = undefined;
    return this.types;
  }

  get activityTypes(): readonly string[] {
    return this.types.map(({ type }) => type);
  }

  get inputSchemas(): NonNullable<InvocableHandler["inputSchemas"]> {
    return this.schemas;
  }

  get isShutDown(): boolean {
    return this.isStopping;
  }

  /** Runs a task in the process. */
  async handle(envelope: unknown, options?: HandleOptions): Promise<InvocableResultEnvelope> {
    const input = parseExternalTaskInput(envelope);
    const startedAt = performance.now();
    while (await this.ready()) {
      const answer = await this.host?.run(input, envelope, options?.signal);
      // Else the process has ended before it began: the next one has it.
      if (answer !== undefined) return answer;
    }
    const message = "The process of the activities has ended, and does not come up again.";
    const durationMs = performance.now() - startedAt;
    return crashEnvelope(input, { message, stack: null }, { carrier: this.carrier, durationMs });
  }

  /** Ends it; what still runs after so long is answered with a failure. */
  async stop(graceMs: number): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.restart);
    this.rescue.close();
    for (const go of this.waiting) go();
    await this.host?.stop(graceMs);
  }

  private launch(): void {
    const startedAt = performance.now();
    const host = new HostProcess(this.options, {
      onMessage: (message) => this.receive(message),
      onBlocked: (sinceMs, by) => {
        if (this.options.host.watch) this.rescue.set(this.sources);
        const stack = by === undefined ? null : by.stack.map((line) => `    at ${line}`).join("\n");
        const message = `has blocked the process of the activities for ${Math.round(sinceMs / 1000)} s: nothing else runs in it.`;
        const run = by?.run ?? (host.runs.length === 1 ? (host.runs[0] ?? null) : null);
        const candidates = run === null ? host.runs : [];
        this.events.onCrash({ cause: "thread_blocked", message, stack, run, late: false, candidates });
      },
      onEnd: (how, runs) => {
        if (performance.now() - startedAt > SETTLED_MS) this.pause = FIRST_PAUSE_MS;
        this.ended(how, runs);
      },
    });
    this.host = host;
  }

  private receive(message: HostNews): void {
    switch (message.kind) {
      case "loaded":
      case "reloaded": {
        // Those of a new process are news only where they differ.
        const isSame = JSON.stringify(this.types) === JSON.stringify(message.types);
        const isFirst = this.onFirst !== undefined;
        this.types = message.types;
        this.schemas = message.inputSchemas;
        this.isReady = true;
        this.onFirst?.resolve();
        for (const go of this.waiting) go();
        if (message.kind === "loaded" && isSame) this.events.onRestart();
        else if (!isFirst) this.events.onReload(message.types);
        return;
      }
      case "load_failed":
      case "reload_failed":
        this.broken(message.problem);
        return;
      case "sources":
        this.sources = message.files;
        return;
      case "crash":
        this.events.onCrash(message.crash);
        return;
      case "log":
        this.events.onLog(message);
    }
  }

  private broken({ exitCode, message, hint }: HostProblem): void {
    const problem = new CliError(exitCode, message, hint);
    if (this.onFirst !== undefined) {
      this.onFirst.reject(problem);
      return;
    }
    this.events.onBroken(problem);
    // One that watches its files loads them again once they are mended.
    if (!this.isReady && !this.options.host.watch) this.host?.terminate("cannot load its files");
  }

  private ended(how: string, runs: Crash["candidates"]): void {
    this.isReady = false;
    this.host = undefined;
    this.rescue.set([]);
    if (this.isStopping) return;
    if (this.onFirst !== undefined) {
      this.onFirst.reject(new CliError(EXIT.config, `the process of the activities ${how} while it loaded the files`));
      return;
    }
    const message = `The process of the activities ${how}. It starts again.`;
    this.events.onCrash({ cause: "process_ended", message, stack: null, run: null, late: false, candidates: runs });
    this.restart = setTimeout(() => this.launch(), this.pause);
    this.pause = Math.min(LONGEST_PAUSE_MS, this.pause * 2);
  }

  /** Whether there is a process to run in, now or soon. */
  private async ready(): Promise<boolean> {
    if (!this.isReady && !this.isStopping) await this.next();
    return this.isReady && !this.isStopping;
  }

  private async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      const go = (): void => {
        clearTimeout(late);
        this.waiting.delete(go);
        resolve();
      };
      const late = setTimeout(go, PATIENCE_MS);
      this.waiting.add(go);
    });
  }
}
