import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import type { CallerSignal, HandleOptions, InvocableHandler } from "@durable-workflow/carrier";
import {
  type ExternalTaskInput,
  type InvocableResultEnvelope,
  parseExternalTaskInput,
} from "@durable-workflow/carrier/protocol";
import { type Crash, type CrashCause, crashEnvelope, describeThrown, factsOf, type RunFacts } from "./crash.js";
import { RunSignal } from "./run-signal.js";

/** Codes of a process that cannot say anything any more: saying so would fail without end. */
const CANNOT_WRITE = new Set(["EIO", "EPIPE", "EBADF"]);

const CAUSES = {
  unhandled_rejection: "a promise was rejected, and nothing handles that",
  uncaught_exception: "an exception was caught by nothing",
} as const;

/**
 * Keeps what one attempt does wrong from the others of the process. A rejection that nobody handles, an exception that
 * nothing catches, and `process.exit` are laid to the attempt whose code they come from, by its async context, and end that
 * attempt alone, as a `handler_crash` failure; the process goes on.
 *
 * It does not help against what ends a process from outside of JavaScript: a kill, no memory left, an endless loop.
 */
export class RunGuard {
  private readonly context = new AsyncLocalStorage<GuardedRun>();
  /** No Set: what was once in one that many pass through lives until the whole heap is collected. */
  private readonly running: GuardedRun[] = [];
  /** Runs that have an answer, which is given once this turn of the event loop is over. */
  private readonly ending: (() => void)[] = [];
  private readonly onCrash: (crash: Crash) => void;

  constructor(onCrash: (crash: Crash) => void) {
    this.onCrash = onCrash;
  }

  /** Takes the process's last resorts over. @returns gives them back */
  install(): () => void {
    const thrown = (error: unknown): void => this.stray("uncaught_exception", error);
    const rejected = (reason: unknown): void => this.stray("unhandled_rejection", reason);
    const exit = process.exit.bind(process);
    process.on("uncaughtException", thrown);
    process.on("unhandledRejection", rejected);
    process.exit = (code?: number | string | null): never => {
      const run = this.context.getStore();
      if (run === undefined) return exit(code);
      const { stack = null } = new Error("process.exit was called");
      this.lay("process_exit", { message: `The activity called process.exit(${code ?? ""}).`, stack }, run);
      throw new ExitRefused();
    };
    return () => {
      process.off("uncaughtException", thrown);
      process.off("unhandledRejection", rejected);
      process.exit = exit;
    };
  }

  /** The attempts that run now, the oldest first. */
  get runs(): readonly RunFacts[] {
    return this.running.map(({ facts }) => facts);
  }

  /** The attempt whose code is asking. */
  get current(): RunFacts | undefined {
    return this.context.getStore()?.facts;
  }

  /** A handler that runs every task like the given one, guarded. */
  guard(handler: InvocableHandler): InvocableHandler {
    return {
      carrier: handler.carrier,
      activityTypes: handler.activityTypes,
      inputSchemas: handler.inputSchemas,
      get isShutDown() {
        return handler.isShutDown === true;
      },
      handle: (envelope, options) => this.run(handler, envelope, options),
    };
  }

  /** One promise, and one timer for all that end in a turn: in a process with async contexts each costs twice as much. */
  private run(handler: InvocableHandler, envelope: unknown, options?: HandleOptions): Promise<InvocableResultEnvelope> {
    return new Promise((resolve, reject) => {
      const run: GuardedRun = new GuardedRun(envelope, handler.carrier, options?.signal, (crashed) => {
        this.forget(run);
        resolve(crashed);
      });
      const end = (settle: () => void): void => {
        if (run.isClosed) return;
        run.close();
        this.forget(run);
        settle();
      };
      const failed = (error: unknown): void => end(() => reject(error));
      this.running.push(run);
      try {
        this.context
          .run(run, () => handler.handle(envelope, { ...options, signal: run }))
          // What was rejected while the handler ran is told of once the microtasks are through: it counts.
          .then((result) => this.afterTurn(() => end(() => resolve(result))), failed);
      } catch (error) {
        failed(error);
      }
    });
  }

  private forget(run: GuardedRun): void {
    const at = this.running.indexOf(run);
    if (at >= 0) this.running.splice(at, 1);
  }

  private afterTurn(callback: () => void): void {
    this.ending.push(callback);
    if (this.ending.length > 1) return;
    setImmediate(() => {
      for (const each of this.ending.splice(0)) each();
    });
  }

  private stray(cause: keyof typeof CAUSES, error: unknown): void {
    if (error instanceof ExitRefused) return;
    const { message, stack } = describeThrown(error);
    const run = this.context.getStore();
    const { syscall, code = "" } = (error ?? {}) as NodeJS.ErrnoException;
    if (run === undefined && syscall === "write" && CANNOT_WRITE.has(code)) process.exit(1);
    this.lay(cause, { message: `${message} (${CAUSES[cause]}).`, stack }, run);
  }

  private lay(cause: CrashCause, what: Pick<Crash, "message" | "stack">, run: GuardedRun | undefined): void {
    const late = run?.isClosed === true;
    const candidates = run === undefined ? this.runs : [];
    run?.crash(what);
    this.onCrash({ cause, ...what, run: run?.facts ?? null, late, candidates });
  }
}

/** Thrown in place of the end of the process; the attempt is answered by then. */
class ExitRefused extends Error {
  override readonly name = "ExitRefused";

  constructor() {
    super("An activity cannot end the process that it shares with others.");
  }
}

/** One attempt: what can end it from outside, which is the caller's signal, and a crash. */
class GuardedRun extends RunSignal {
  isClosed = false;
  private readonly envelope: unknown;
  private readonly carrier: string;
  private readonly caller: CallerSignal | undefined;
  private readonly startedAt = performance.now();
  private readonly answer: (envelope: InvocableResultEnvelope) => void;
  private readonly onCallerAbort: () => void;

  /** @param answer told of the answer to a crash */
  constructor(
    envelope: unknown,
    carrier: string,
    caller: CallerSignal | undefined,
    answer: (envelope: InvocableResultEnvelope) => void,
  ) {
    super();
    this.envelope = envelope;
    this.carrier = carrier;
    this.caller = caller;
    this.answer = answer;
    // By a name of its own: V8 puts a function that is made as it is assigned to a property among what lives for long, and all that
    // it can reach is kept with it until the whole heap is collected.
    const onCallerAbort = (): void => this.abort(this.caller?.reason);
    this.onCallerAbort = onCallerAbort;
    if (caller?.aborted === true) this.abort(caller.reason);
    else caller?.addEventListener("abort", onCallerAbort);
  }

  get facts(): RunFacts {
    return factsOf(this.input);
  }

  /** Read only for a run that crashes, or is asked for: code of its own runs, so that its handler could read it, too. */
  private get input(): ExternalTaskInput {
    return parseExternalTaskInput(this.envelope);
  }

  /** Answers the task, and tells the code that still runs that it is in vain. */
  crash({ message, stack }: Pick<Crash, "message" | "stack">): void {
    if (this.isClosed) return;
    const durationMs = performance.now() - this.startedAt;
    this.answer(crashEnvelope(this.input, { message, stack }, { carrier: this.carrier, durationMs }));
    this.close();
    this.abort(new Error(message));
  }

  close(): void {
    this.isClosed = true;
    this.caller?.removeEventListener("abort", this.onCallerAbort);
  }
}
