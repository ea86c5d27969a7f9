import { CliError, EXIT } from "../shell/command.js";
import type { ControlPlane } from "./control-plane.js";
import { allUntaken, type Untaken } from "./takers.js";

/** So long an activity may wait before anybody wonders. */
const SILENCE_MS = 2_000;
/** How often it is looked whatever happens: a worker may have gone. */
const STREAMED_POLL_MS = 10_000;
/** The same where no stream of events tells that something has happened. */
const POLL_MS = 2_500;
/** The newest ones: whoever develops looks at those. */
const LOOKED_AT = 200;

/**
 * Tells of activities that no registered worker takes: each type of each task queue once, and again where it was taken in
 * between. An engine that does not let this be asked is not asked again.
 */
export class WaitingWatch {
  private readonly control: ControlPlane;
  private readonly onWaiting: (untaken: Untaken) => void;
  private readonly ended = new AbortController();
  private told: ReadonlySet<string> = new Set();
  private timer: NodeJS.Timeout | undefined;
  private nextLook = Number.POSITIVE_INFINITY;
  private pauseMs = POLL_MS;
  /** Whether the engine does not let this be asked. */
  private isOver = false;

  constructor(control: ControlPlane, onWaiting: (untaken: Untaken) => void) {
    this.control = control;
    this.onWaiting = onWaiting;
  }

  async start(): Promise<void> {
    const isStreamed = await this.control.onEvents(this.ended.signal, () => this.lookIn(SILENCE_MS));
    this.pauseMs = isStreamed ? STREAMED_POLL_MS : POLL_MS;
    this.lookIn(SILENCE_MS);
  }

  stop(): void {
    this.ended.abort();
    clearTimeout(this.timer);
  }

  /** Sooner than was planned, never later. */
  private lookIn(ms: number): void {
    const at = performance.now() + ms;
    if (this.ended.signal.aborted || this.isOver || at >= this.nextLook) return;
    this.nextLook = at;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      void this.look().then((mayAsk) => {
        this.nextLook = Number.POSITIVE_INFINITY;
        this.isOver = !mayAsk;
        this.lookIn(this.pauseMs);
      });
    }, ms);
  }

  private async look(): Promise<boolean> {
    try {
      const running = await this.control.list(LOOKED_AT, { status: "running" });
      const workers = running.length === 0 ? [] : await this.control.workers();
      if (workers === undefined) return false;
      const found = allUntaken(running, workers);
      for (const [key, untaken] of found) if (!this.told.has(key)) this.onWaiting(untaken);
      this.told = new Set(found.keys());
      return true;
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      // A worker's token may not list, and the engine may be away for a while: its other readers tell of that.
      return error.exitCode !== EXIT.config;
    }
  }
}
