import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import { setImmediate as nextTurn } from "node:timers/promises";
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
  private readonly running = new Set<GuardedRun>();
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
    return [...this.running].map(({ facts }) => facts);
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

  private async run(
    handler: InvocableHandler,
    envelope: unknown,
    options?: HandleOptions,
  ): Promise<InvocableResultEnvelope> {
    const run = new GuardedRun(parseExternalTaskInput(envelope), handler.carrier, options?.signal);
    this.running.add(run);
    try {
      const answer = this.context.run(run, () => handler.handle(envelope, { ...options, signal: run }));
      // What was rejected while the handler ran is told of once the microtasks are through: it counts.
      return await Promise.race([answer.then((result) => nextTurn(result)), run.crashed]);
    } finally {
      run.close();
      this.running.delete(run);
    }
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
  readonly facts: RunFacts;
  readonly crashed: Promise<InvocableResultEnvelope>;
  isClosed = false;
  private readonly input: ExternalTaskInput;
  private readonly carrier: string;
  private readonly caller: CallerSignal | undefined;
  private readonly startedAt = performance.now();
  private answer: (envelope: InvocableResultEnvelope) => void = () => {};

  constructor(input: ExternalTaskInput, carrier: string, caller: CallerSignal | undefined) {
    super();
    this.input = input;
    this.carrier = carrier;
    this.facts = factsOf(input);
    this.caller = caller;
    this.crashed = new Promise((resolve) => {
      this.answer = resolve;
    });
    if (caller?.aborted === true) this.abort(caller.reason);
    else caller?.addEventListener("abort", this.onCallerAbort);
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

  private readonly onCallerAbort = (): void => this.abort(this.caller?.reason);
}
