import process from "node:process";

/** How long a line may wait for others, in milliseconds. */
const BATCH_MS = 5;
/** Characters that are not kept waiting. */
const MOST_WAITING = 64 * 1024;

/** Those with lines that are not written yet. */
const waiting = new Set<LineBatch>();
let isWatchingExit = false;
/** Nothing is kept waiting any more: there is no later. */
let isExiting = false;

/**
 * Writes log lines, several at once where many come: a line after quiet is written at the end of the turn of the event loop that
 * it belongs to, one that comes soon after others within 5 ms, or once there are 64 KiB. Order stays.
 *
 * What waits is written when the process exits, by itself, by `process.exit` or by an exception that nothing catches. A signal that
 * nothing handles, and SIGKILL, take the lines of the last 5 ms with them.
 */
export class LineBatch {
  private readonly writeText: (text: string) => void;
  private lines = "";
  private timer: NodeJS.Timeout | undefined;
  private immediate: NodeJS.Immediate | undefined;
  private writtenAt = Number.NEGATIVE_INFINITY;

  /**
   * @param write gets one or more whole lines. What it throws reaches whoever calls {@link write} or {@link flushSync}; it is
   *   dropped, with its lines, where nobody has called.
   */
  constructor(write: (text: string) => void) {
    this.writeText = write;
    // Not with the first line: that may be of somebody who logs as the process exits.
    watchExit();
  }

  /** Takes a line, its line feed included. */
  write(line: string): void {
    const isFirst = this.lines === "";
    this.lines += line;
    if (isExiting || this.lines.length >= MOST_WAITING) this.flushSync();
    else if (isFirst) this.schedule();
  }

  /** Writes what waits, now. */
  flushSync(): void {
    if (this.lines === "") return;
    const text = this.lines;
    this.lines = "";
    waiting.delete(this);
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
    this.timer = undefined;
    this.immediate = undefined;
    this.writtenAt = performance.now();
    this.writeText(text);
  }

  /**
   * Writes what waits, as pino's `logger.flush` asks for it. It does not throw.
   *
   * @param callback called once the lines are written, with what the write threw where they could not be; never before this returns
   */
  flush(callback?: (error?: Error) => void): void {
    let failure: Error | undefined;
    try {
      this.flushSync();
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    if (callback !== undefined) process.nextTick(callback, failure);
  }

  private schedule(): void {
    waiting.add(this);
    const waitMs = this.writtenAt + BATCH_MS - performance.now();
    if (waitMs <= 0) this.immediate = setImmediate(this.flushAlone);
    else this.timer = setTimeout(this.flushAlone, waitMs);
  }

  private readonly flushAlone = (): void => {
    try {
      this.flushSync();
    } catch {
      // Nobody is there to be told, and whoever logs must not stop the work.
    }
  };
}

/** Writes what waits of all, as `process` does by itself when it exits. */
export function flushLines(): void {
  for (const batch of waiting) {
    try {
      batch.flushSync();
    } catch {
      // The others' lines are worth as much.
    }
  }
}

function watchExit(): void {
  if (isWatchingExit) return;
  isWatchingExit = true;
  process.on("exit", () => {
    isExiting = true;
    flushLines();
  });
}
