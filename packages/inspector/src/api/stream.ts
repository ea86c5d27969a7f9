import type { Instant } from "./common.js";
import type { ActivityRow } from "./list.js";
import type { Overview } from "./overview.js";

/**
 * Events of the stream, by their `event:` name; `data:` is one line of JSON. Those that can be resumed have an `id:`; a browser
 * sends the last one back as `Last-Event-ID`, others may use the query parameter `after`. The query parameter `overview=1`
 * asks for `overview` events too. A comment comes every 15 s; the stream of a slow reader is ended, and it can join again.
 */
export interface StreamEvents {
  /** First, always. Where `resumed` is false what happened before is unknown: fetch everything anew. */
  readonly hello: {
    readonly stream: string;
    readonly resumed: boolean;
    readonly asOf: Instant;
    readonly engine: EngineState;
  };
  /** Activities as they stand now, each at most once in an event, at most 5 events/s and 200 rows each. Started ones are new ids. */
  readonly rows: { readonly asOf: Instant; readonly rows: readonly ActivityRow[] };
  /** More happened than was told: fetch what is shown anew. */
  readonly reset: { readonly asOf: Instant; readonly reason: "engine_back" | "too_much" | "unknown_position" };
  readonly overview: Overview;
  /** The engine went away, or is back. After `up` a `reset` follows. */
  readonly engine: EngineState;
}

export interface EngineState {
  readonly state: "up" | "lost";
  readonly since: Instant;
  readonly message: string | null;
}

export type StreamEventName = keyof StreamEvents;
export type StreamEvent = {
  [Name in StreamEventName]: { readonly event: Name; readonly data: StreamEvents[Name] };
}[StreamEventName];
