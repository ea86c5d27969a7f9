import type { Clock, Secrets } from "@durable-workflow/dispatcher/leasing";
import { readToken } from "@durable-workflow/engine-protocol";
import type { TokenSource } from "./options.js";

/** A function is asked again no sooner than this after it was. */
const SHORTEST_PAUSE_MS = 1_000;
/** One that failed is asked again after so long, whatever the engine says. */
const RETRY_MS = 30_000;

/** The token that the engine is shown: asked for at the start, and again when it is refused. */
export class TokenKeeper {
  private readonly source: TokenSource | undefined;
  private readonly secrets: Secrets;
  private readonly clock: Clock;
  private current: string | null = null;
  private asking: Promise<void> | undefined;
  private askedAt = Number.NEGATIVE_INFINITY;
  private cancelRetry = (): void => {};
  private closed = false;
  /** Why there is none; null where there is one, or none is needed. */
  problem: string | null = null;

  constructor(source: TokenSource | undefined, secrets: Secrets, clock: Clock) {
    this.source = source;
    this.secrets = secrets;
    this.clock = clock;
    if (typeof source === "string") this.keep(source);
  }

  get value(): string | null {
    return this.current;
  }

  /** Asks for the token. Never rejects: what goes wrong is a {@link problem}, and it is asked for again. */
  ask(): Promise<void> {
    const { source } = this;
    if (typeof source !== "function" || this.closed) return Promise.resolve();
    if (this.clock.monotonic() - this.askedAt < SHORTEST_PAUSE_MS) return this.asking ?? Promise.resolve();
    this.asking ??= this.askOnce(source).finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /** Asks no more. */
  close(): void {
    this.closed = true;
    this.cancelRetry();
  }

  private async askOnce(source: () => string | Promise<string>): Promise<void> {
    this.askedAt = this.clock.monotonic();
    this.cancelRetry();
    try {
      this.keep(await source());
    } catch (error) {
      // Its message may hold what nobody should see.
      this.failed(`the token function failed (${error instanceof Error ? error.name : "no error"})`);
    }
  }

  private keep(given: string): void {
    const { token } = readToken(typeof given === "string" ? given : "");
    if (token === undefined) {
      this.failed("the token function gave no string of visible ASCII characters");
      return;
    }
    this.problem = null;
    this.secrets.add(token);
    this.current = token;
  }

  private failed(problem: string): void {
    this.problem = problem;
    if (!this.closed) this.cancelRetry = this.clock.schedule(RETRY_MS, () => void this.ask());
  }
}
