import { randomUUID } from "node:crypto";
import type { EngineClient, PollRequest } from "../engine/client.js";
import type { PollOutcome, Unavailable } from "../engine/outcomes.js";
import type { EngineBackoff } from "./engine-backoff.js";

/** A poll's id is kept while its answers are lost, so that a task leased meanwhile is found; not for ever. */
const LONGEST_REQUEST_LIFE = 4;

export interface PollerOptions {
  readonly client: Pick<EngineClient, "poll">;
  readonly backoff: EngineBackoff;
  /** Whom to poll for, as it is when a request is sent. */
  readonly subject: () => Pick<PollRequest, "namespace" | "taskQueue" | "workerId" | "buildId">;
  /** How long the next request asks to be held, in seconds. */
  readonly holdSeconds: () => number;
  /** Whether held polls are of no more use: what they have leased is still asked for. */
  readonly isRecalled: () => boolean;
  /** Whether nothing is leased any more. */
  readonly isStopped: () => boolean;
}

/** What a poll came to. */
export interface PollEnd {
  readonly outcome: PollOutcome;
  /** Whether the answer is one to a repeat: its lease may have begun long before. */
  readonly isRepeat: boolean;
}

/** Polls, one request at a time; each can be recalled while it is held. */
export class Poller {
  private readonly options: PollerOptions;
  private held: AbortController | undefined;

  constructor(options: PollerOptions) {
    this.options = options;
  }

  get isHeld(): boolean {
    return this.held !== undefined;
  }

  /** Ends the request that is held; it is repeated at once, so that what the engine had leased through it is found. */
  recall(): void {
    this.held?.abort();
  }

  /** One poll. One whose answer is lost is repeated under the same id, so that a task leased meanwhile is not. */
  async poll(): Promise<PollEnd> {
    const { backoff, isRecalled, isStopped } = this.options;
    const requestId = `activity-poll-${randomUUID()}`;
    let outcome = await this.send(requestId, false);
    let isRepeat = false;
    for (let repeats = 1; isLost(outcome) && repeats < LONGEST_REQUEST_LIFE; repeats++) {
      // The first repeat comes at once; when that fails too, the engine is in trouble, as it is by a gateway's word.
      const isTrouble = repeats > 1 || isGateways(outcome.status);
      if (isTrouble && outcome.why !== "aborted") await backoff.wait(outcome, "poll");
      isRepeat = true;
      outcome = await this.send(requestId, isRecalled(), true);
      if (isStopped() && repeats > 1) break;
    }
    return { outcome, isRepeat };
  }

  private async send(requestId: string, atOnce: boolean, isRepeat = false): Promise<PollOutcome> {
    const { client, subject, holdSeconds } = this.options;
    const timeoutSeconds = atOnce ? 0 : holdSeconds();
    const held = new AbortController();
    this.held = held;
    try {
      const request = { ...subject(), requestId, timeoutSeconds, isRepeat };
      return await client.poll(atOnce ? request : { ...request, signal: held.signal });
    } finally {
      this.held = undefined;
    }
  }
}

/** Whether a task may have been leased that we were not told of: by an answer that broke, or that a gateway lost. */
function isLost(outcome: PollOutcome): outcome is Unavailable {
  if (outcome.kind !== "unavailable" || !outcome.mayHaveActed) return false;
  return outcome.status === null || outcome.status < 300 || isGateways(outcome.status);
}

function isGateways(status: number | null): boolean {
  return status === 502 || status === 504;
}
