import { randomUUID } from "node:crypto";
import type { EngineClient } from "../engine/client.js";
import type { Refused, Unavailable } from "../engine/outcomes.js";
import type { PolledOutcome, PollRequest } from "../engine/polls.js";
import type { BrokenWhy } from "../engine/reply.js";
import { CallOff, type StopSignal } from "../time/call-off.js";
import type { Clock } from "../time/clock.js";
import type { EngineBackoff } from "./engine-backoff.js";

/** A poll's id is kept while its answers are lost, so that a task leased meanwhile is found; not for ever. */
const LONGEST_REQUEST_LIFE = 4;
/** An engine that cannot be reached, or that a gateway cannot reach, may be started again: its poll is kept so long, which is more than a lease lasts. */
const LONGEST_ABSENCE_MS = 60_000;
/** Polls that are held no longer than this only look whether the engine is there. */
const SHORT_HOLD_SECONDS = 1;

export interface PollerOptions {
  readonly client: Pick<EngineClient, "poll" | "pollMs">;
  readonly clock: Clock;
  readonly backoff: EngineBackoff;
  /** Whom to poll for, as it is when a poll begins. */
  readonly subject: () => Pick<PollRequest, "namespace" | "taskQueue" | "workerId" | "buildId">;
  /** How long the next request asks to be held, in seconds. @param maxTasks how many tasks it asks for */
  readonly holdSeconds: (maxTasks: number) => number;
  /** Whether held polls are of no more use: what they have leased is still asked for. */
  readonly isRecalled: () => boolean;
  /** Whether nothing is leased any more. */
  readonly isStopped: () => boolean;
  /** Aborted once there is no more time to run what is leased. */
  readonly givenUp: StopSignal;
}

/** What a poll came to. */
export interface PollEnd {
  readonly outcome: PolledOutcome;
  /** Whether the answer is one to a repeat: its lease may have begun long before. */
  readonly isRepeat: boolean;
}

/** Polls, one request at a time; each can be recalled while it is held. */
export class Poller {
  private readonly options: PollerOptions;
  private held: CallOff | undefined;
  private repeats = false;
  /** Whether the next poll is held for a part of its time, by chance: those who begin together do not stay together. */
  private isUneven = true;
  private askedFor = 1;

  constructor(options: PollerOptions) {
    this.options = options;
  }

  get isHeld(): boolean {
    return this.held !== undefined;
  }

  /** Whether a poll is repeated whose answer was lost: only under its registration can it hear of what it has leased. */
  get isRepeating(): boolean {
    return this.repeats;
  }

  /** How many tasks the last poll asked for. */
  get maxTasks(): number {
    return this.askedFor;
  }

  /** Ends the request that is held; it is repeated at once, so that what the engine had leased through it is found. */
  recall(): void {
    this.held?.abort(undefined);
  }

  /**
   * One poll. One whose answer is lost is repeated under the same id, so that a task leased meanwhile is not; so is one that
   * the engine wants again as it was, however often, and one whose repeat cannot reach the engine. An engine may not have
   * noticed that the first request has ended, and hold its repeat until it has: a repeat is waited for as long as the first
   * request could have been held. Once nothing is leased any more, what was lost in the last minute is asked for until there is
   * no more time to run it.
   *
   * @param maxTasks how many tasks its answer may bring
   */
  async poll(maxTasks: number): Promise<PollEnd> {
    const { client, clock, backoff, subject, holdSeconds, isRecalled, isStopped, givenUp } = this.options;
    this.askedFor = maxTasks;
    const poll = { ...subject(), requestId: `activity-poll-${randomUUID()}`, maxTasks };
    let timeoutSeconds = this.uneven(holdSeconds(maxTasks));
    const firstEndsAt = clock.monotonic() + client.pollMs(timeoutSeconds);
    let outcome = await this.send({ ...poll, timeoutSeconds });
    let repeat = 0;
    let wasRecallable = true;
    if (outcome.kind === "unavailable") this.isUneven = true;
    const endedAt = clock.monotonic();
    const patienceMs = (): number => firstEndsAt - clock.monotonic();
    // Says what the first one has leased, and cannot be recalled itself: however often polls are, no task is lost by it.
    const askAgain = (): Promise<PolledOutcome> => {
      wasRecallable = false;
      return client.poll({ ...poll, timeoutSeconds: 0, repeat: ++repeat, patienceMs: patienceMs() });
    };
    let lost = 0;
    let lastTries = 0;
    const waitFor = (failed: Unavailable | Refused): Promise<void> =>
      isStopped() ? backoff.waitAtLast(failed, "poll", ++lastTries, givenUp) : backoff.wait(failed, "poll");
    while (mustRepeat(outcome, repeat > 0)) {
      this.repeats = true;
      const isInTime = clock.monotonic() - endedAt < LONGEST_ABSENCE_MS;
      if (isStopped() && (givenUp.aborted || !isInTime)) break;
      if (outcome.kind === "refused") {
        if (!isInTime) break;
        await waitFor(outcome);
        outcome = await askAgain();
        continue;
      }
      const isSame = outcome.samePoll === true;
      // A request that was recalled has not failed, and the next one cannot be recalled.
      const wasRecalled = wasRecallable && outcome.why === "aborted";
      const mayComeBack = (outcome.status === null || isServers(outcome.status)) && isInTime;
      const isAway = !isSame && (!isLost(outcome) || (repeat > 0 && outcome.status === 503));
      if (!isSame && !isAway && !wasRecalled && ++lost >= LONGEST_REQUEST_LIFE && !mayComeBack) break;
      // The first repeat comes at once; when that fails too, the engine is in trouble, as it is by a 5xx, or was before.
      const isTrouble = isSame || isAway || lost > 1 || isServers(outcome.status) || backoff.failing;
      if (isTrouble && outcome.why !== "aborted") await waitFor(outcome);
      if (isRecalled() || outcome.why === "aborted") {
        outcome = await askAgain();
        continue;
      }
      wasRecallable = true;
      if (!isSame) timeoutSeconds = holdSeconds(maxTasks);
      // Whether an engine that did not answer in time answers now is soon to be known.
      if (outcome.why === "timeout") timeoutSeconds = Math.min(timeoutSeconds, SHORT_HOLD_SECONDS);
      outcome = await this.send({ ...poll, timeoutSeconds, repeat: ++repeat, patienceMs: patienceMs() });
    }
    this.repeats = false;
    return { outcome, isRepeat: repeat > 0 };
  }

  private uneven(seconds: number): number {
    if (!this.isUneven || seconds <= SHORT_HOLD_SECONDS) return seconds;
    this.isUneven = false;
    return Math.ceil(Math.random() * seconds);
  }

  private async send(request: PollRequest): Promise<PolledOutcome> {
    const held = new CallOff();
    this.held = held;
    try {
      return await this.options.client.poll({ ...request, signal: held });
    } finally {
      this.held = undefined;
    }
  }
}

/**
 * Whether the same request is to be sent again. An engine that is not there for a while, as one that is started again, does
 * not make what an earlier request has leased less lost; nor does one that refuses the token for a while.
 */
function mustRepeat(outcome: PolledOutcome, isRepeat: boolean): outcome is Unavailable | Refused {
  if (outcome.kind === "refused") return isRepeat;
  if (outcome.kind !== "unavailable") return false;
  return (
    outcome.samePoll === true || isLost(outcome) || (isRepeat && (outcome.status === 503 || !outcome.mayHaveActed))
  );
}

/**
 * Whether a task may have been leased that we were not told of: by an answer that broke, that a gateway lost, or that failed
 * in the engine once the lease was recorded. A 503 in the engine's own words says that it was not; the page of a gateway
 * says so only that the connection to the engine is gone.
 */
function isLost({ mayHaveActed, status, why }: Unavailable): boolean {
  if (!mayHaveActed) return false;
  if (status === 503) return BROKEN_ANSWERS.has(why);
  return status === null || status < 300 || isServers(status);
}

/** How an answer is not one of the engine's. */
const BROKEN_ANSWERS: ReadonlySet<string> = new Set(["not_json", "cut_off", "too_large"] satisfies BrokenWhy[]);

function isServers(status: number | null): boolean {
  return status !== null && status >= 500;
}
