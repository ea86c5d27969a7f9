import type { HeartbeatAnswer } from "../../protocol/heartbeat.js";
import { isHeartbeatEndpointError } from "../../protocol/heartbeat-endpoint.js";
import { type HeartbeatProgress, sanitizeHeartbeatProgress } from "../../protocol/heartbeat-progress.js";
import type { Clock } from "../clock.js";
import type { Logger } from "../logger.js";
import { quietly } from "../quietly.js";
import { readThrown } from "../thrown.js";
import { type Heartbeat, HeartbeatError, type HeartbeatSender, isHeartbeatError } from "./heartbeat-sender.js";
import type { Heartbeats } from "./part.js";

/** Of the time left, so that a heartbeat may fail twice before it is too late. */
const SHARE = 1 / 3;
const SHORTEST_INTERVAL_MS = 250;
const LONGEST_INTERVAL_MS = 10_000;
/** A third of the lease that engines give: where nothing runs out, cancellations are still heard of. */
const LONGEST_AUTOMATIC_INTERVAL_MS = 100_000;
const FIRST_RETRY_MS = 250;
/** However long a sender asks to be left alone. */
const LONGEST_RETRY_MS = 60_000;
const SHORTEST_TIMEOUT_MS = 1000;

export interface HeartbeatsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sender: HeartbeatSender;
  /** Whose heartbeats they are. */
  readonly task: Omit<Heartbeat, "progress" | "signal">;
  /** The task's heartbeat timeout in milliseconds; undefined when it has none. */
  readonly timeoutMs: number | undefined;
  /** Milliseconds until the lease (or the run) ends as it stands now. */
  readonly leaseLeftMs: () => number;
  /** Whether heartbeats go out without the handler asking for them. */
  readonly automatic: boolean;
  /**
   * The engine took a heartbeat, and the attempt goes on.
   *
   * @param sentAt when it was sent, in milliseconds since the epoch: the engine has counted from then on, at the earliest
   */
  onAccepted(answer: HeartbeatAnswer, sentAt: number): void;
  /** The attempt is over for the engine. Called once, and nothing is sent after it. */
  onStop(answer: HeartbeatAnswer): void;
}

/**
 * Sends the heartbeats of one run in the background, one at a time.
 *
 * The first goes out at once. After one was taken the next may follow when a third of the heartbeat timeout or of the
 * lease has passed, whichever is less, but at most 10 s; what the handler says meanwhile waits, and the last of it is sent.
 * A failure is logged and tried again, with the newest progress, after 250 ms, 500 ms, and so on up to that interval, until
 * it succeeds, the run ends, or the error says that it never will. Nothing here ends the run: that is for the callbacks.
 */
export function startHeartbeats(options: HeartbeatsOptions): Heartbeats {
  const { clock, logger, sender, task, timeoutMs, automatic } = options;
  let open = true;
  /** The last the handler said. */
  let latest: HeartbeatProgress | undefined;
  /** Whether there is something to say that has not been sent, or got lost. */
  let wanted = false;
  /** On the clock that never goes back: when the next may go out, and when it goes out by itself. */
  let allowedAt = Number.NEGATIVE_INFINITY;
  let automaticAt = nextAutomatic(clock.monotonic());
  /** The one on its way. */
  let request: AbortController | undefined;
  /** Takes back the only timer: of the next heartbeat, or of the limit for the one on its way. */
  let cancelTimer: (() => void) | undefined;
  let failures = 0;
  let loggedChanges = "";
  let refusalLogged = false;

  /** How long the engine will wait for a sign of life. What has run out is no measure of it. */
  function patience(): number {
    let left = 0;
    quietly(() => {
      left = options.leaseLeftMs();
    });
    return Math.min(positiveOr(left, Number.POSITIVE_INFINITY), positiveOr(timeoutMs, Number.POSITIVE_INFINITY));
  }

  function interval(longestMs = LONGEST_INTERVAL_MS): number {
    return Math.floor(Math.max(SHORTEST_INTERVAL_MS, Math.min(longestMs, patience() * SHARE)));
  }

  function nextAutomatic(since: number): number {
    return automatic ? since + interval(LONGEST_AUTOMATIC_INTERVAL_MS) : Number.POSITIVE_INFINITY;
  }

  /** Sets the timer for what comes next, if anything does. */
  function wait(): void {
    const at = wanted ? allowedAt : automaticAt;
    cancelTimer?.();
    cancelTimer = undefined;
    if (!open || at === Number.POSITIVE_INFINITY) return;
    cancelTimer = clock.schedule(Math.max(0, Math.ceil(at - clock.monotonic())), send);
  }

  function close(): void {
    open = false;
    cancelTimer?.();
    cancelTimer = undefined;
    request?.abort();
    request = undefined;
    latest = undefined;
  }

  function send(): void {
    const controller = new AbortController();
    const heartbeat = { ...task, progress: latest, signal: controller.signal };
    const sentAt = clock.now();
    const startedAt = clock.monotonic();
    const limitMs = Math.max(SHORTEST_TIMEOUT_MS, Math.ceil(interval() * 1.5));
    request = controller;
    wanted = false;

    /** Only the first end counts, and none once the run is over. */
    const end = (handle: () => void): void => {
      if (request !== controller) return;
      request = undefined;
      handle();
      wait();
    };
    cancelTimer?.();
    cancelTimer = clock.schedule(limitMs, () => {
      end(() => failed(new HeartbeatError(`The heartbeat was not answered within ${limitMs} ms.`)));
      controller.abort();
    });
    new Promise<HeartbeatAnswer>((resolve) => {
      resolve(sender.send(heartbeat));
    })
      .then((answer) => {
        // Read but once: an object of somebody else's may do anything when asked.
        const { canContinue, progressRefused } = answer;
        if (typeof canContinue !== "boolean") throw new HeartbeatError("The sender gave no heartbeat answer.");
        end(() => {
          if (!canContinue) return stopped(answer);
          if (progressRefused === true) refused(heartbeat.progress);
          accepted(answer, sentAt, startedAt);
        });
      })
      .catch((error: unknown) => end(() => failed(error)));
  }

  function stopped(answer: HeartbeatAnswer): void {
    close();
    quietly(() => options.onStop(answer));
  }

  function accepted(answer: HeartbeatAnswer, sentAt: number, startedAt: number): void {
    if (failures > 0) log("info", { failures }, "Heartbeats reach the engine again.");
    failures = 0;
    quietly(() => options.onAccepted(answer, sentAt));
    // Only now does the lease stand as the answer has it.
    allowedAt = startedAt + interval();
    automaticAt = nextAutomatic(startedAt);
  }

  function refused(progress: HeartbeatProgress | undefined): void {
    if (latest === progress) latest = undefined;
    if (!refusalLogged) log("warn", {}, "The engine refuses the progress of heartbeats. They are sent without it.");
    refusalLogged = true;
  }

  function failed(error: unknown): void {
    const { retryable, retryAfterMs, fields } = readFailure(error);
    if (!retryable) {
      close();
      log("error", fields, "A heartbeat failed for good. No more are sent in this run.");
      return;
    }
    failures++;
    wanted = true;
    // To be left alone for longer than the engine itself waits would be of no use to it.
    const pause = Math.min(retryAfterMs, LONGEST_RETRY_MS, patience() / 2);
    allowedAt = clock.monotonic() + Math.max(pause, Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), interval()));
    // The 1st, 2nd, 4th, 8th, ... in a row is told, so that an outage does not flood the log.
    const level = Number.isInteger(Math.log2(failures)) ? "warn" : "debug";
    log(level, { ...fields, failures }, "A heartbeat failed and is tried again.");
  }

  function log(level: keyof Logger, fields: Readonly<Record<string, unknown>>, message: string): void {
    quietly(() => logger[level](fields, message));
  }

  if (automatic) wait();
  return {
    heartbeat(progress) {
      if (!open) return;
      const taken = sanitizeHeartbeatProgress(progress);
      latest = taken.progress ?? latest;
      const changes = taken.changed.join(", ");
      if (changes !== "" && changes !== loggedChanges) {
        loggedChanges = changes;
        log("debug", { changed: changes }, "The progress of a heartbeat was altered to fit the engine's limits.");
      }
      const isWaiting = wanted;
      wanted = true;
      if (request !== undefined) return;
      // A handler that keeps the thread to itself lets no timer fire.
      if (clock.monotonic() >= allowedAt) send();
      else if (!isWaiting) wait();
    },
    stop: close,
  };
}

function positiveOr(value: number | undefined, otherwise: number): number {
  return value !== undefined && value > 0 ? value : otherwise;
}

/** What a failed send means, and what a log may be told of it. */
function readFailure(error: unknown) {
  const isOurs = isHeartbeatError(error) || isHeartbeatEndpointError(error);
  const { message, type } = readThrown(error, false);
  let said: { readonly status?: unknown; readonly retryable?: unknown; readonly retryAfterMs?: unknown } = {};
  try {
    const { status, retryable, retryAfterMs } = error as typeof said;
    said = { status, retryable, retryAfterMs };
  } catch {
    // Of null, or of a proxy, nothing can be known.
  }
  return {
    retryable: said.retryable !== false,
    retryAfterMs: typeof said.retryAfterMs === "number" ? positiveOr(said.retryAfterMs, 0) : 0,
    fields: {
      // The messages of other senders' errors may hold what no log should.
      error: isOurs ? message : (type ?? typeof error),
      ...(typeof said.status === "number" ? { status: said.status } : {}),
    },
  };
}
