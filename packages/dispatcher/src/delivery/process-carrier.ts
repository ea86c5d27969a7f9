import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { ProcessCarrier } from "@durable-workflow/engine-protocol/executor-config";
import type { Environment } from "../config/profiles.js";
import { type DeliveryBody, withoutLargeBlobs } from "../net/blob-bytes.js";
import type { StopSignal } from "../time/call-off.js";
import { type Clock, timerDelay } from "../time/clock.js";
import type { AbortedDelivery, AnswerBody, DeliveryAnswer } from "./answer.js";
import type { TimeLimit } from "./timeouts.js";

export interface ProcessDelivery {
  readonly carrier: ProcessCarrier;
  /** The envelope as JSON. */
  readonly body: DeliveryBody;
  readonly limit: TimeLimit;
  /** Of what it may write to standard output. Default: the deliverer's own. */
  readonly outputLimitBytes?: number | undefined;
  readonly signal: StopSignal;
}

export interface ProcessDelivererOptions {
  readonly clock: Clock;
  readonly environment: Environment;
  readonly outputLimitBytes: number;
}

/** What a process is given of this one's environment, beside its carrier's own: nothing that could be a credential. */
const PASSED_ON = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP", "SystemRoot", "PATHEXT"];
/** How long a process may take to end by itself once asked to. */
const TERMINATION_GRACE_MS = 2_000;
const STDERR_PREVIEW_BYTES = 2_000;

/** Delivers tasks to commands: the envelope on standard input, the result on standard output. */
export class ProcessDeliverer {
  private readonly options: ProcessDelivererOptions;
  private readonly running = new Set<ChildProcessByStdio<Writable, Readable, Readable>>();

  constructor(options: ProcessDelivererOptions) {
    this.options = options;
  }

  /**
   * Runs the command once. At the limit, or when called off, its whole process group is asked to end, and killed when it
   * does not. Never rejects.
   */
  deliver({ carrier, ...delivery }: ProcessDelivery): Promise<DeliveryAnswer | AbortedDelivery> {
    const { signal, limit } = delivery;
    if (signal.aborted) return Promise.resolve({ kind: "aborted" });
    if (limit.ms <= 0) return Promise.resolve({ kind: "timeout", limit: limit.name, afterMs: 0 });
    const [program = "", ...args] = carrier.command;
    let child: ChildProcessByStdio<Writable, Readable, Readable>;
    try {
      child = spawn(program, args, {
        env: this.environmentOf(carrier),
        stdio: ["pipe", "pipe", "pipe"],
        // A group of its own, so that what it starts ends with it.
        detached: process.platform !== "win32",
        windowsHide: true,
      });
    } catch (error) {
      return Promise.resolve(notStarted(error));
    }
    return this.run(child, delivery);
  }

  /** Kills all that runs, groups and all. */
  kill(): void {
    for (const child of this.running) endGroup(child, "SIGKILL");
  }

  private environmentOf({ environment }: ProcessCarrier): Record<string, string> {
    const inherited = PASSED_ON.flatMap((name) => {
      const value = this.options.environment[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    return { ...Object.fromEntries(inherited), ...environment };
  }

  private run(
    child: ChildProcessByStdio<Writable, Readable, Readable>,
    { body, limit, signal, outputLimitBytes = this.options.outputLimitBytes }: Omit<ProcessDelivery, "carrier">,
  ): Promise<DeliveryAnswer | AbortedDelivery> {
    const { clock } = this.options;
    this.running.add(child);
    return new Promise((resolve) => {
      const stdout = new Collected(outputLimitBytes);
      const stderr = new Collected(STDERR_PREVIEW_BYTES);
      let timedOut = false;
      let cancelKill: (() => void) | undefined;
      const stop = (): void => {
        endGroup(child, "SIGTERM");
        // Called off past its limit, it has been asked already.
        cancelKill ??= clock.schedule(TERMINATION_GRACE_MS, () => {
          endGroup(child, "SIGKILL");
        });
      };
      const cancelTimer = clock.schedule(timerDelay(limit.ms), () => {
        timedOut = true;
        stop();
      });
      signal.addEventListener("abort", stop, { once: true });
      const finish = (answer: DeliveryAnswer): void => {
        this.running.delete(child);
        cancelTimer();
        cancelKill?.();
        signal.removeEventListener("abort", stop);
        // What the command left running in its group has nobody to answer to any more.
        endGroup(child, "SIGKILL");
        if (signal.aborted) resolve({ kind: "aborted" });
        else if (timedOut) resolve({ kind: "timeout", limit: limit.name, afterMs: limit.ms });
        else resolve(answer);
      };
      child.once("error", (error) => finish(notStarted(error)));
      child.stdout.on("data", (chunk: Uint8Array) => {
        // Past the limit there is nothing more to learn from it.
        if (!stdout.add(chunk)) endGroup(child, "SIGKILL");
      });
      child.stderr.on("data", (chunk: Uint8Array) => {
        stderr.add(chunk);
      });
      // A command that ends without reading its input breaks the pipe; its exit code says more.
      child.stdin.on("error", () => undefined);
      if (typeof body === "string") child.stdin.end(body);
      // A copy: what the process has started may read on when it has ended, and the memory of these is another's then.
      else child.stdin.end(Buffer.concat(body.chunks));
      // The output of a grandchild that lives on would hold "close" back: what was written by the exit counts.
      child.once("exit", (exitCode, endedBy) => {
        const answer = (): void => {
          cancelDrain();
          finish({
            kind: "process",
            exitCode,
            signal: endedBy,
            stdout: stdout.text(),
            stderrPreview: stderr.preview(),
          });
        };
        const cancelDrain = clock.schedule(TERMINATION_GRACE_MS, answer);
        child.once("close", answer);
      });
    });
  }
}

function notStarted(error: unknown): DeliveryAnswer {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  return { kind: "unreachable", why: `it could not be started (${code})`, tries: 1 };
}

/** Output, as far as it is kept. */
class Collected {
  private readonly limitBytes: number;
  private readonly chunks: Uint8Array[] = [];
  private length = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** False once there is more than is kept. */
  add(chunk: Uint8Array): boolean {
    if (this.length <= this.limitBytes) this.chunks.push(chunk);
    this.length += chunk.length;
    return this.length <= this.limitBytes;
  }

  text(): AnswerBody {
    if (this.length > this.limitBytes) return { problem: "too_large" };
    return withoutLargeBlobs(Buffer.concat(this.chunks)) ?? { problem: "not_utf8" };
  }

  preview(): string {
    return Buffer.concat(this.chunks).subarray(0, this.limitBytes).toString("utf8");
  }
}

function endGroup(
  child: { readonly pid?: number | undefined; kill(signal: NodeJS.Signals): boolean },
  signal: NodeJS.Signals,
): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // It has ended already.
  }
}
