import type { ActivityRow, EngineState, Overview, StreamEventName, StreamEvents } from "../../api/index.js";
import { address } from "./api.js";
import { serverClock } from "./server-clock.js";
import { Signal } from "./signal.js";

/** How fresh the page is. */
export interface Freshness {
  /** `lost`: the command that serves the page does not answer. `engine_lost`: it does, and its engine does not. */
  readonly state: "connecting" | "live" | "lost" | "engine_lost";
  /** Milliseconds of the engine's clock. */
  readonly since: number;
  readonly message: string | null;
}

/** What a view is told of. */
export interface StreamListener {
  rows?(rows: readonly ActivityRow[]): void;
  /** What was told may be incomplete: fetch anew. */
  reset?(): void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** A tab that nobody looks at gives its connection back: a browser has six for one address. */
const HIDDEN_MS = 30_000;

/** The page's one stream of events. Comes back by itself, and says when it is gone. */
export class Stream {
  readonly freshness = new Signal<Freshness>({ state: "connecting", since: serverClock.now(), message: null });
  readonly overview = new Signal<Overview | undefined>(undefined);
  private readonly listeners = new Set<StreamListener>();
  private source: EventSource | undefined;
  private pause = FIRST_PAUSE_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  private isFirst = true;
  /** Of the last event that can be resumed from. */
  private lastId = "";

  start(): void {
    this.open();
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.hiddenTimer);
      if (document.hidden) {
        this.hiddenTimer = setTimeout(() => {
          this.close();
        }, HIDDEN_MS);
      } else if (this.source === undefined) {
        this.open();
      }
    });
  }

  listen(listener: StreamListener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  private open(): void {
    this.close();
    const source = new EventSource(address("events", { overview: "1", after: this.lastId }));
    this.source = source;
    const on = <Name extends StreamEventName>(name: Name, handle: (data: StreamEvents[Name]) => void): void => {
      source.addEventListener(name, (event) => {
        if (this.source !== source) return;
        const { data, lastEventId } = event as MessageEvent<string>;
        if (lastEventId !== "") this.lastId = lastEventId;
        handle(JSON.parse(data) as StreamEvents[Name]);
      });
    };
    on("hello", ({ asOf, resumed, engine }) => {
      serverClock.learn(asOf);
      this.pause = FIRST_PAUSE_MS;
      this.tellEngine(engine);
      if (!resumed && !this.isFirst) this.reset();
      this.isFirst = false;
    });
    on("rows", ({ asOf, rows }) => {
      serverClock.learn(asOf);
      for (const listener of this.listeners) listener.rows?.(rows);
    });
    on("reset", ({ asOf }) => {
      serverClock.learn(asOf);
      this.reset();
    });
    on("overview", (overview) => {
      serverClock.learn(overview.asOf);
      this.overview.value = overview;
    });
    on("engine", (engine) => {
      this.tellEngine(engine);
    });
    source.addEventListener("error", () => {
      if (this.source !== source) return;
      this.lose();
    });
  }

  /** The browser's own reconnecting gives up on some answers and knows no backing off: this does both itself. */
  private lose(): void {
    this.close();
    const { state } = this.freshness.value;
    if (state !== "lost") {
      this.freshness.value = {
        state: "lost",
        since: serverClock.now(),
        message: "The command that serves this page does not answer.",
      };
    }
    this.timer = setTimeout(
      () => {
        this.open();
      },
      this.pause * (0.75 + Math.random() / 2),
    );
    this.pause = Math.min(LONGEST_PAUSE_MS, this.pause * 2);
  }

  private close(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = undefined;
  }

  private tellEngine({ state, since, message }: EngineState): void {
    this.freshness.value =
      state === "up"
        ? { state: "live", since: serverClock.now(), message: null }
        : { state: "engine_lost", since: Date.parse(since), message };
  }

  private reset(): void {
    for (const listener of this.listeners) listener.reset?.();
  }
}

export const stream = new Stream();
