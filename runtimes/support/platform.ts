import type { RuntimeRequest } from "../cases.js";

/** What came back. */
export interface RuntimeAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** Whether it came on the connection of the request before it. */
  readonly isReused: boolean;
}

/** A way to a platform on which one request follows another. */
export interface RuntimeConnection {
  /** Undefined when the client went away, as it was told to. */
  send(request: SentRequest): Promise<RuntimeAnswer | undefined>;
  close(): void;
}

/** A request, complete. */
export interface SentRequest extends Pick<RuntimeRequest, "read" | "chunked" | "leaveAfterMs"> {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

export interface RunningPlatform {
  connect(): RuntimeConnection;
  stop(): Promise<void>;
}

/** One platform of the table. */
export interface Platform {
  readonly name: string;
  /** What an activity tells of what the platform gave it. */
  readonly given: string;
  /** Why it cannot be had here. */
  readonly missing?: string | undefined;
  start(): Promise<RunningPlatform>;
}
