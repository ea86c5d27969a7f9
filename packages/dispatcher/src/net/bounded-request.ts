import type { Dispatcher } from "undici";
import { BodyCollector, type BoundedBytes } from "./bounded-body.js";
import type { LentMemory } from "./lent-memory.js";

/** What is sent. */
export interface RequestToSend {
  /** As in `https://engine.example.com:8080`. */
  readonly origin: string;
  readonly method: "GET" | "POST" | "DELETE";
  /** The query included. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body?: Dispatcher.DispatchOptions["body"];
}

/** How its answer is read. */
export interface AnswerLimits {
  /** The largest body, before and after decompression. */
  readonly limitBytes: number;
  /**
   * Told of the answer's head. Where it gives a promise, the body is read once that has come true; where it is false, the answer is
   * given up, as by {@link BoundedRequest.callOff}.
   */
  readonly onHead?: (head: AnswerHead) => Promise<boolean> | boolean;
  /** Told how much has come, of what says no length. */
  readonly onBytes?: (bytes: number) => void;
  /** Where what comes in several pieces is put together. Default: memory of its own. */
  readonly memory?: LentMemory;
}

/** The head of an answer, as far as anything here goes by it. Of a header that was sent more than once the first counts. */
export interface AnswerHead {
  readonly status: number;
  readonly date: string | undefined;
  readonly retryAfter: string | undefined;
  readonly contentEncoding: string | undefined;
  /** What `Content-Length` says, where that is a number. */
  readonly expectedBytes: number | undefined;
}

/** An answer that has come, or as much of it as did. */
export interface BoundedAnswer {
  readonly head: AnswerHead;
  readonly read: BoundedBytes;
}

/** Why a request that nobody waits for any more ends. */
const CALLED_OFF = new Error("The request was called off.");

/**
 * One request, and its answer in memory: what undici's `request` does, without a stream, which costs more than all the rest for the
 * small answers that most are. It takes headers as they came (undici's earlier interface of handlers), and looks at four of them:
 * undici 7 has the later interface around this one, parses every header for it, and takes a seventh more of the thread for a request.
 */
export class BoundedRequest implements Dispatcher.DispatchHandler {
  /**
   * Rejects with undici's error where not even a head came, and with an `AbortError` as soon as it was called off. Past the limit the
   * rest is not read, and the connection is given up.
   */
  readonly answer: Promise<BoundedAnswer>;
  private readonly limits: AnswerLimits;
  private resolve!: (answer: BoundedAnswer | Promise<BoundedAnswer>) => void;
  private reject!: (error: unknown) => void;
  private abort: ((reason: Error) => void) | undefined;
  private head: AnswerHead | undefined;
  private collector: BodyCollector | undefined;
  private isOver = false;

  constructor(limits: AnswerLimits) {
    this.limits = limits;
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Sends it; to be called once. */
  send(agent: Dispatcher, { origin, method, path, headers, body }: RequestToSend): Promise<BoundedAnswer> {
    // Whoever sends has limits of its own.
    const limits = { headersTimeout: 0, bodyTimeout: 0 };
    if (!this.isOver)
      agent.dispatch({ origin, method, path, headers: headers as string[], body: body ?? null, ...limits }, this);
    return this.answer;
  }

  /** Gives it up, now: undici ends a request whose connection is not made yet only once that has been made, or has failed. */
  callOff(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.reject(new DOMException("The request was called off.", "AbortError"));
    this.abort?.(CALLED_OFF);
  }

  /** Called by undici. */
  onConnect(abort: (reason?: Error) => void): void {
    this.abort = abort;
    if (this.isOver) abort(CALLED_OFF);
  }

  /** Called by undici. */
  onHeaders(status: number, headers: readonly Buffer[], resume: () => void): boolean {
    // What comes before the answer: early hints, say.
    if (status < 200 || this.isOver) return true;
    const { onHead, limitBytes, onBytes, memory } = this.limits;
    const head = headOf(status, headers);
    this.head = head;
    const { contentEncoding, expectedBytes } = head;
    this.collector = new BodyCollector({ contentEncoding, limitBytes, expectedBytes, onBytes, memory });
    const isTaken = onHead?.(head) ?? true;
    if (isTaken === true) {
      if (this.collector.isUnknown) this.giveUp("unknown_encoding");
      return true;
    }
    if (isTaken === false) {
      this.callOff();
      return true;
    }
    isTaken.then(
      (taken) => {
        if (!taken) this.callOff();
        else if (this.collector?.isUnknown === true) this.giveUp("unknown_encoding");
        else resume();
      },
      () => this.callOff(),
    );
    return false;
  }

  /** Called by undici. */
  onData(chunk: Buffer): boolean {
    if (!this.isOver && this.collector?.take(chunk) === false) this.giveUp("too_large");
    return true;
  }

  /** Called by undici. */
  onComplete(): void {
    const { head, collector } = this;
    if (this.isOver || head === undefined || collector === undefined) return;
    this.isOver = true;
    const read = collector.end();
    this.resolve(read instanceof Promise ? read.then((came) => ({ head, read: came })) : { head, read });
  }

  /** Called by undici. */
  onError(error: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.head === undefined) this.reject(error);
    else this.resolve({ head: this.head, read: { problem: "cut_off" } });
  }

  /** The rest is not read. */
  private giveUp(problem: "too_large" | "unknown_encoding"): void {
    this.isOver = true;
    if (this.head !== undefined) this.resolve({ head: this.head, read: { problem } });
    this.abort?.(CALLED_OFF);
  }
}

const DIGITS = /^\d{1,15}$/;

function headOf(status: number, headers: readonly Buffer[]): AnswerHead {
  let date: string | undefined;
  let retryAfter: string | undefined;
  let contentEncoding: string | undefined;
  let length: string | undefined;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as Buffer;
    switch (name.length) {
      case 4:
        if (date === undefined && isNamed(name, "date")) date = textOf(headers[at + 1]);
        break;
      case 11:
        if (retryAfter === undefined && isNamed(name, "retry-after")) retryAfter = textOf(headers[at + 1]);
        break;
      case 14:
        if (length === undefined && isNamed(name, "content-length")) length = textOf(headers[at + 1]);
        break;
      case 16:
        if (contentEncoding === undefined && isNamed(name, "content-encoding"))
          contentEncoding = textOf(headers[at + 1]);
        break;
    }
  }
  const expectedBytes = length !== undefined && DIGITS.test(length) ? Number(length) : undefined;
  return { status, date, retryAfter, contentEncoding, expectedBytes };
}

function isNamed(name: Buffer, expected: string): boolean {
  return name.toString("latin1").toLowerCase() === expected;
}

/** The value of a header, the first of several. */
function textOf(value: Buffer | readonly Buffer[] | undefined): string | undefined {
  const first = Array.isArray(value) ? (value as readonly Buffer[])[0] : (value as Buffer | undefined);
  return first?.toString("latin1");
}
