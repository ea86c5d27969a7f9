import type { InProcessAnswer, InProcessEngine } from "@durable-workflow/engine-protocol";
import type { EngineWire, WireAnswer, WireExchange, WireRequest } from "./wire.js";

/** To an engine of this process, without a connection. */
export class InProcessWire implements EngineWire {
  private readonly engine: InProcessEngine;
  private readonly underWay = new Set<InProcessExchange>();
  /** By the list that they were made of, which is the same for many requests. */
  private readonly headers = new WeakMap<readonly string[], Readonly<Record<string, string>>>();
  private isClosed = false;

  constructor(engine: InProcessEngine) {
    this.engine = engine;
  }

  ask({ method, path, headers, body }: WireRequest, onHead: () => void): WireExchange {
    const exchange = new InProcessExchange((ended) => this.underWay.delete(ended), onHead);
    this.underWay.add(exchange);
    if (this.isClosed) exchange.callOff();
    else
      exchange.take(() => this.engine.answer({ method, path, headers: this.named(headers), body, ...exchange.caller }));
    return exchange;
  }

  close(): Promise<void> {
    this.isClosed = true;
    for (const exchange of this.underWay) exchange.callOff();
    return Promise.resolve();
  }

  private named(list: readonly string[]): Readonly<Record<string, string>> {
    let named = this.headers.get(list);
    if (named === undefined) {
      const pairs: Record<string, string> = {};
      for (let at = 0; at + 1 < list.length; at += 2) pairs[list[at] ?? ""] = list[at + 1] ?? "";
      named = pairs;
      this.headers.set(list, named);
    }
    return named;
  }
}

class InProcessExchange implements WireExchange {
  readonly answer: Promise<WireAnswer>;
  /** What the engine is told of whoever waits. */
  readonly caller = {
    onDisconnect: (callback: () => void): void => {
      if (this.isCalledOff) callback();
      else this.onGone = callback;
    },
  };
  private readonly onEnd: (ended: this) => void;
  private readonly onHead: () => void;
  private resolve!: (answer: WireAnswer) => void;
  private reject!: (error: unknown) => void;
  private onGone: (() => void) | undefined;
  private isOver = false;
  private isCalledOff = false;

  constructor(onEnd: (ended: WireExchange & InProcessExchange) => void, onHead: () => void) {
    this.onEnd = onEnd;
    this.onHead = onHead;
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  take(answering: () => Promise<InProcessAnswer>): void {
    // Whatever an engine that is not of this repository throws, or answers, is a request that has failed.
    const asked = async (): Promise<WireAnswer> => readAnswer(await answering(), this.onHead);
    asked().then(
      (answer) => {
        if (this.end()) this.resolve(answer);
      },
      (error: unknown) => {
        if (this.end()) this.reject(error);
      },
    );
  }

  callOff(): void {
    if (!this.end()) return;
    this.isCalledOff = true;
    this.reject(new DOMException("The request was called off.", "AbortError"));
    this.onGone?.();
  }

  private end(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    this.onEnd(this);
    return true;
  }
}

/** This machine's own time is the engine's: there is no date to compare it with. */
function readAnswer({ status, headers, body }: InProcessAnswer, onHead: () => void): WireAnswer {
  onHead();
  const head = {
    status,
    date: undefined,
    retryAfter: headers["retry-after"],
    contentEncoding: undefined,
    expectedBytes: undefined,
  };
  if (typeof body === "string") return { head, read: { text: body } };
  return { head, read: { bytes: Buffer.from(body.buffer, body.byteOffset, body.byteLength) } };
}
