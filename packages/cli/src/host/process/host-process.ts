import { type ChildProcess, fork } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { CallerSignal } from "@durable-workflow/carrier";
import type { ExternalTaskInput, InvocableResultEnvelope } from "@durable-workflow/carrier/protocol";
import { crashEnvelope, factsOf, type RunFacts } from "./crash.js";
import { Gathered } from "./gathered.js";
import type { FromHost, HostOptions, HostTask, ToHost } from "./messages.js";
import { type BlockedBy, WATCHDOG_FD } from "./watchdog.js";

const ENTRY = fileURLToPath(new URL("./host-entry.js", import.meta.url));
const PING_MS = 500;
/** Pings in a row without an answer: counted, so that a machine that slept does not look like a blocked thread. */
const BLOCKED_PINGS = 10;
/** How long the process may take to end beyond what tasks were granted. */
const STOP_MS = 2_000;

export interface HostProcessOptions {
  readonly host: HostOptions;
  /** Port for a debugger; undefined for none. While one is attached, nobody judges how long anything takes. */
  readonly inspectPort: number | undefined;
}

/** What it says beside how its tasks go. */
export type HostNews = Exclude<FromHost, { kind: "started" | "results" | "refused" | "pong" }>;

export interface HostProcessEvents {
  onMessage(message: HostNews): void;
  /** It has computed for so long that nothing else is done in it. Told again now and then. */
  onBlocked(sinceMs: number, by: BlockedBy | undefined): void;
  /** It is gone. What ran in it has been answered. @param how as in `was ended by SIGKILL` */
  onEnd(how: string, runs: readonly RunFacts[]): void;
}

interface Pending {
  readonly input: ExternalTaskInput;
  readonly startedAt: number;
  readonly answer: (envelope: InvocableResultEnvelope | undefined) => void;
  isStarted: boolean;
  callerIsGone: boolean;
}

/** One process that runs activities, from its start to its end. */
export class HostProcess {
  private readonly options: HostProcessOptions;
  private readonly events: HostProcessEvents;
  private readonly child: ChildProcess;
  private readonly pending = new Map<number, Pending>();
  private readonly outgoing = new Gathered<HostTask>((tasks) => this.post({ kind: "run", tasks }));
  private readonly ended: Promise<void>;
  private ids = 0;
  private isLoaded = false;
  private silent = 0;
  private blockedBy: BlockedBy | undefined;
  /** When it was last told that it is blocked, in pings, and whether with what blocks it. */
  private told: { readonly at: number; readonly withPlace: boolean } | undefined;
  private pings: NodeJS.Timeout | undefined;
  private endedBy: string | undefined;

  constructor(options: HostProcessOptions, events: HostProcessEvents) {
    this.options = options;
    this.events = events;
    const { inspectPort, host } = options;
    const inherited = process.execArgv.filter((option) => !option.startsWith("--inspect"));
    this.child = fork(ENTRY, process.argv.slice(2), {
      cwd: host.cwd,
      execArgv: inspectPort === undefined ? inherited : [...inherited, `--inspect=${inspectPort}`],
      serialization: "advanced",
      stdio: ["inherit", "inherit", "inherit", "ipc", "pipe"],
    });
    this.child.on("message", (message: FromHost) => this.receive(message));
    this.readWatchdog();
    process.once("exit", this.kill);
    this.ended = new Promise((resolve) => {
      this.child.once("error", (error) => this.end(`could not be started (${error.message})`, resolve));
      this.child.once("exit", (code, signal) => this.end(this.endedBy ?? howItEnded(code, signal), resolve));
    });
    this.send({ kind: "load", options: host });
  }

  /** The attempts that run in it, the oldest first. */
  get runs(): readonly RunFacts[] {
    return [...this.pending.values()].filter(({ isStarted }) => isStarted).map(({ input }) => factsOf(input));
  }

  get isBlocked(): boolean {
    return this.silent >= BLOCKED_PINGS;
  }

  /**
   * Runs a task there. Never rejects.
   *
   * @returns a `handler_crash` failure where the process ends while it runs; undefined where it ends before it has begun
   */
  run(
    input: ExternalTaskInput,
    envelope: unknown,
    signal: CallerSignal | undefined,
  ): Promise<InvocableResultEnvelope | undefined> {
    const id = ++this.ids;
    return new Promise((answer) => {
      const task: Pending = { input, startedAt: performance.now(), answer, isStarted: false, callerIsGone: false };
      this.pending.set(id, task);
      const gone = (): void => {
        task.callerIsGone = true;
        this.send({ kind: "abort", id });
        this.endIfInVain();
      };
      this.outgoing.add({ id, envelope });
      if (signal?.aborted === true) gone();
      else signal?.addEventListener("abort", gone);
    });
  }

  /** Lets tasks end for so long, then ends it, whatever it does. */
  async stop(graceMs: number): Promise<void> {
    this.send({ kind: "stop", graceMs });
    const late = setTimeout(this.kill, this.isBlocked ? 0 : graceMs + STOP_MS);
    await this.ended;
    clearTimeout(late);
  }

  /** Ends it at once. @param why as in `was ended, as ...`; undefined where nobody will ask */
  terminate(why: string): void {
    this.endedBy = why;
    this.kill();
  }

  private readonly kill = (): void => {
    this.child.kill("SIGKILL");
  };

  private receive(message: FromHost): void {
    switch (message.kind) {
      case "pong":
        this.silent = 0;
        this.blockedBy = undefined;
        this.told = undefined;
        return;
      case "started": {
        const task = this.pending.get(message.id);
        if (task !== undefined) task.isStarted = true;
        return;
      }
      case "results":
        for (const { id, envelope } of message.results) this.settle(id, () => envelope);
        return;
      case "refused":
        this.settle(message.id, (task) => this.failure(task, message.message));
        return;
      case "loaded":
      case "reloaded":
        if (!this.isLoaded) this.watch();
        this.isLoaded = true;
        this.events.onMessage(message);
        return;
      case "load_failed":
      case "reload_failed":
      case "sources":
      case "crash":
      case "log":
        this.events.onMessage(message);
    }
  }

  private settle(id: number, envelope: (task: Pending) => InvocableResultEnvelope | undefined): void {
    const task = this.pending.get(id);
    if (task === undefined) return;
    this.pending.delete(id);
    task.answer(envelope(task));
  }

  private failure({ input, startedAt }: Pending, message: string): InvocableResultEnvelope {
    const durationMs = performance.now() - startedAt;
    return crashEnvelope(input, { message, stack: null }, { carrier: this.options.host.carrier, durationMs });
  }

  private watch(): void {
    if (this.options.inspectPort !== undefined) return;
    this.pings = setInterval(() => {
      this.silent++;
      this.send({ kind: "ping" });
      this.tellIfBlocked();
      this.endIfInVain();
    }, PING_MS);
  }

  /**
   * After 5 seconds, with what blocks it. On a busy machine that takes longer to be found: it is waited for as long again, and
   * told when it comes. Then once a minute.
   */
  private tellIfBlocked(): void {
    const { silent, told, blockedBy } = this;
    if (!this.isBlocked) return;
    const withPlace = blockedBy !== undefined;
    const isFirst = told === undefined && (withPlace || silent >= 2 * BLOCKED_PINGS);
    const isNews = told !== undefined && ((withPlace && !told.withPlace) || silent - told.at >= 60_000 / PING_MS);
    if (!isFirst && !isNews) return;
    this.told = { at: silent, withPlace };
    this.events.onBlocked(silent * PING_MS, blockedBy);
  }

  /** A thread that is blocked for an attempt that nobody waits for any more blocks the others for nothing. */
  private endIfInVain(): void {
    if (!this.isBlocked) return;
    const by = this.blockedBy?.run;
    const inVain = [...this.pending.values()].find(
      ({ input, isStarted, callerIsGone }) =>
        isStarted &&
        callerIsGone &&
        (by === undefined || by === null || (input.task.id === by.task && input.task.attempt === by.attempt)),
    );
    if (inVain === undefined) return;
    const { type, attempt } = factsOf(inVain.input);
    this.terminate(`was ended, as attempt ${attempt} of ${type} was over and went on computing in it`);
  }

  /** After what it follows. */
  private send(message: ToHost): void {
    this.outgoing.flush();
    this.post(message);
  }

  private post(message: ToHost): void {
    if (this.child.connected) this.child.send(message, () => {});
  }

  private readWatchdog(): void {
    const pipe = this.child.stdio[WATCHDOG_FD] as Readable | null | undefined;
    if (pipe === null || pipe === undefined) return;
    pipe.on("error", () => {});
    createInterface({ input: pipe }).on("line", (line) => {
      this.blockedBy = JSON.parse(line) as BlockedBy;
    });
  }

  private end(how: string, resolve: () => void): void {
    clearInterval(this.pings);
    process.off("exit", this.kill);
    const { runs } = this;
    const others = runs.length - 1;
    const beside = others === 0 ? "" : others === 1 ? " beside one other" : ` beside ${others} others`;
    for (const id of this.pending.keys()) {
      this.settle(id, (task) =>
        task.isStarted
          ? this.failure(task, `While this attempt ran${beside}, the process of the activities ${how}.`)
          : undefined,
      );
    }
    this.events.onEnd(how, runs);
    resolve();
  }
}

function howItEnded(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === "SIGKILL") return "was killed (SIGKILL; the system does that too when it is out of memory)";
  if (signal === "SIGABRT" || signal === "SIGTRAP") return `was aborted (${signal}: its memory may have been used up)`;
  return signal === null ? `exited with ${code}` : `was ended by ${signal}`;
}
