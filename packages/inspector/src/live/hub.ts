import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { EngineState, StreamEventName, StreamEvents } from "../api/index.js";
import type { ActivityName, Source } from "../engine/source.js";
import { Problem } from "../problem.js";
import { lineOf } from "../text.js";
import { Ring } from "./ring.js";

/** A reader that has left so much unread is let go: it can join again. */
const MOST_UNREAD_BYTES = 1_048_576;
const MOST_READERS = 100;
/** Characters of events that who joins again is given. */
const KEPT_CHARACTERS = 4_194_304;
const FLUSH_MS = 200;
const ROWS_EACH = 200;
/** More activities than that are not told one by one. */
const MOST_PENDING = 2_000;
const OVERVIEW_MS = 2_000;
const BEAT_MS = 15_000;
/** What the engine is watched for after the last reader has gone: it may be back in a moment. */
const LINGER_MS = 60_000;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;

interface Reader {
  readonly response: ServerResponse;
  readonly wantsOverview: boolean;
  isGreeted: boolean;
}

export interface Joining {
  /** Where it was before; from `Last-Event-ID`. */
  readonly after: string | undefined;
  readonly wantsOverview: boolean;
}

export interface HubOptions {
  readonly source: () => Promise<Source>;
  readonly overview: () => Promise<StreamEvents["overview"]>;
}

/**
 * Watches the engine while somebody looks, and tells all readers the same: activities that changed are read together, a few times
 * a second. What it holds is bounded, whatever happens and however many read.
 */
export class Hub {
  private readonly options: HubOptions;
  private readonly readers = new Set<Reader>();
  private readonly ring = new Ring(KEPT_CHARACTERS);
  private readonly pending = new Map<string, ActivityName>();
  private stream = randomUUID().slice(0, 8);
  private sequence = 0;
  private state: EngineState = { state: "up", since: new Date().toISOString(), message: null };
  private watching: AbortController | undefined;
  private timers: (() => void)[] = [];
  private begun: Promise<void> = Promise.resolve();
  private linger: NodeJS.Timeout | undefined;
  private isFlushing = false;
  private isChanged = true;
  private isClosed = false;

  constructor(options: HubOptions) {
    this.options = options;
  }

  get size(): number {
    return this.readers.size;
  }

  /** @throws {Problem} `too_many_readers` */
  join(response: ServerResponse, { after, wantsOverview }: Joining): void {
    if (this.readers.size >= MOST_READERS) {
      throw new Problem("too_many_readers", `the stream has ${MOST_READERS} readers already`, {
        hint: "Close other tabs, or ask from time to time.",
        retryAfterSeconds: 10,
      });
    }
    response.writeHead(200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-store",
      "X-Accel-Buffering": "no",
    });
    response.flushHeaders();
    const reader: Reader = { response, wantsOverview, isGreeted: false };
    this.readers.add(reader);
    response.once("close", () => {
      this.readers.delete(reader);
      if (this.readers.size === 0) this.lingerOn();
    });
    // Whoever reads everything once it was greeted misses nothing: from then on the engine is watched.
    void this.begin().then(() => {
      this.greet(reader, this.missed(after));
    });
  }

  private greet(reader: Reader, missed: readonly string[] | undefined): void {
    if (!this.readers.has(reader)) return;
    reader.isGreeted = true;
    const hello: StreamEvents["hello"] = {
      stream: this.stream,
      resumed: missed !== undefined,
      asOf: new Date().toISOString(),
      engine: this.state,
    };
    this.write(reader, textOf("hello", hello, missed === undefined ? this.position() : undefined));
    for (const text of missed ?? []) this.write(reader, text);
    if (reader.wantsOverview) this.isChanged = true;
  }

  close(): void {
    this.isClosed = true;
    this.stop();
    for (const { response } of this.readers) response.end();
    this.readers.clear();
  }

  private position(): string {
    return `${this.stream}.${this.sequence}`;
  }

  /** What a reader missed that says where it was; undefined where that is not known. */
  private missed(after: string | undefined): readonly string[] | undefined {
    const [, stream, sequence] = /^([0-9a-f]{8})\.(\d{1,15})$/.exec(after ?? "") ?? [];
    if (stream !== this.stream || this.watching === undefined) return undefined;
    return this.ring.after(Number(sequence), this.sequence)?.map(({ text }) => text);
  }

  /** Kept once the engine is watched, or cannot be for now. */
  private begin(): Promise<void> {
    clearTimeout(this.linger);
    if (this.watching !== undefined || this.isClosed) return this.begun;
    this.watching = new AbortController();
    const { signal } = this.watching;
    this.begun = new Promise((resolve) => {
      void this.watch(signal, resolve);
    });
    this.every(FLUSH_MS, () => this.flush());
    this.every(OVERVIEW_MS, () => this.tellOverview());
    this.every(BEAT_MS, () => {
      for (const reader of this.readers) this.write(reader, ": still here\n\n");
    });
    return this.begun;
  }

  private every(ms: number, work: () => unknown): void {
    const timer = setInterval(() => void work(), ms);
    this.timers.push(() => {
      clearInterval(timer);
    });
  }

  private lingerOn(): void {
    clearTimeout(this.linger);
    this.linger = setTimeout(() => {
      if (this.readers.size === 0) this.stop();
    }, LINGER_MS);
    this.linger.unref();
  }

  private stop(): void {
    clearTimeout(this.linger);
    this.watching?.abort();
    this.watching = undefined;
    for (const end of this.timers) end();
    this.timers = [];
    this.pending.clear();
    this.ring.clear();
    // Whoever comes back was away too long.
    this.stream = randomUUID().slice(0, 8);
    this.sequence = 0;
  }

  /** Watches the engine again and again, as long as somebody reads. */
  private async watch(signal: AbortSignal, onBegun: () => void): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const lost = await this.watchOnce(signal, () => {
        if (failures > 0) this.back();
        failures = 0;
        onBegun();
      });
      if (signal.aborted) return;
      if (failures === 0) this.lose(lost);
      onBegun();
      failures += 1;
      await pause(Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 10), LAST_RETRY_MS), signal);
    }
  }

  /** Until the engine is lost; says why. */
  private async watchOnce(signal: AbortSignal, onUp: () => void): Promise<string> {
    const own = new AbortController();
    const both = AbortSignal.any([signal, own.signal]);
    try {
      const source = await this.options.source();
      return await new Promise<string>((resolve, reject) => {
        signal.addEventListener(
          "abort",
          () => {
            resolve("");
          },
          { once: true },
        );
        source
          .watch(
            {
              onActivities: (names) => {
                this.note(names);
              },
              onLost: resolve,
            },
            both,
          )
          .then((isWatched) => {
            if (isWatched) onUp();
            else resolve("the engine lets nobody watch it now");
          }, reject);
      });
    } catch (error) {
      return error instanceof Error ? error.message : "the engine gave no answer";
    } finally {
      own.abort();
    }
  }

  private note(names: readonly ActivityName[]): void {
    this.isChanged = true;
    for (const name of names) this.pending.set(`${name.id}/${name.runId}`, name);
    if (this.pending.size <= MOST_PENDING) return;
    this.pending.clear();
    this.send("reset", { asOf: new Date().toISOString(), reason: "too_much" });
  }

  private async flush(): Promise<void> {
    if (this.isFlushing || this.pending.size === 0 || this.readers.size === 0) return;
    this.isFlushing = true;
    const { stream } = this;
    const some = [...this.pending].slice(0, ROWS_EACH);
    for (const [key] of some) this.pending.delete(key);
    try {
      const source = await this.options.source();
      const rows = await source.rows(some.map(([, name]) => name));
      if (rows.length > 0 && stream === this.stream) this.send("rows", { asOf: await source.now(), rows });
    } catch {
      // The engine is gone: whoever reads is told so, and reads everything anew once it is back.
    } finally {
      this.isFlushing = false;
    }
  }

  private async tellOverview(): Promise<void> {
    const wanting = [...this.readers].filter(({ wantsOverview, isGreeted }) => wantsOverview && isGreeted);
    if (wanting.length === 0 || !this.isChanged || this.state.state === "lost") return;
    this.isChanged = false;
    try {
      const text = textOf("overview", await this.options.overview());
      for (const reader of wanting) this.write(reader, text);
    } catch {
      this.isChanged = true;
    }
  }

  private lose(reason: string): void {
    this.state = { state: "lost", since: new Date().toISOString(), message: lineOf(reason, 300) };
    this.send("engine", this.state);
  }

  private back(): void {
    this.state = { state: "up", since: new Date().toISOString(), message: null };
    this.send("engine", this.state);
    this.pending.clear();
    this.isChanged = true;
    this.send("reset", { asOf: this.state.since, reason: "engine_back" });
  }

  private send<Name extends StreamEventName>(name: Name, data: StreamEvents[Name]): void {
    this.sequence += 1;
    const text = textOf(name, data, this.position());
    this.ring.add({ sequence: this.sequence, text });
    for (const reader of this.readers) if (reader.isGreeted) this.write(reader, text);
  }

  private write(reader: Reader, text: string): void {
    const { response } = reader;
    if (response.writableLength > MOST_UNREAD_BYTES) {
      this.readers.delete(reader);
      response.destroy();
    } else response.write(text);
  }
}

function textOf<Name extends StreamEventName>(name: Name, data: StreamEvents[Name], id?: string): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
