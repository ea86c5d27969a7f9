import { vi } from "vitest";
import { type Heartbeat, HeartbeatError, type HeartbeatSender } from "../../src/activity/heartbeat/heartbeat-sender.js";
import { type HeartbeatsOptions, startHeartbeats } from "../../src/activity/heartbeat/heartbeats.js";
import type { HeartbeatAnswer } from "../../src/protocol/heartbeat.js";
import { recordingLogger } from "../../src/testing/recording-logger.js";
import { FakeClock, NOON } from "./fake-clock.js";

export const GO_ON: HeartbeatAnswer = {
  canContinue: true,
  cancelRequested: false,
  reason: undefined,
  leaseExpiresAt: undefined,
};
export const STOP: HeartbeatAnswer = { ...GO_ON, canContinue: false, reason: "attempt_closed" };

/** The lease that engines give. */
export const LEASE_MS = 300_000;
export const MINUTE_MS = 60_000;

export interface SentHeartbeat extends Heartbeat {
  /** In milliseconds since the heartbeats were started. */
  readonly at: number;
}

/** What a sender does with one heartbeat; what it returns is awaited. */
export type Answering = (heartbeat: SentHeartbeat, count: number) => HeartbeatAnswer | Promise<HeartbeatAnswer>;

/** The heartbeats of a run that has begun at noon, with a lease that each accepted one renews. */
export function startedHeartbeats(
  answering: Answering = () => GO_ON,
  options: Partial<HeartbeatsOptions> = {},
  leaseLeftMs = LEASE_MS,
) {
  const clock = new FakeClock();
  const logger = recordingLogger();
  const sent: SentHeartbeat[] = [];
  const sender: HeartbeatSender = {
    send(heartbeat) {
      const one = { ...heartbeat, at: clock.now() - NOON };
      sent.push(one);
      return answering(one, sent.length) as Promise<HeartbeatAnswer>;
    },
  };
  let leaseEndsAt = NOON + leaseLeftMs;
  const onAccepted = vi.fn<HeartbeatsOptions["onAccepted"]>((_, sentAt) => {
    leaseEndsAt = sentAt + LEASE_MS;
  });
  const onStop = vi.fn<HeartbeatsOptions["onStop"]>();
  const beats = startHeartbeats({
    clock,
    logger,
    sender,
    task: {
      taskId: "task-lamp-7",
      attemptId: "attempt-lamp-7-b",
      leaseOwner: "carrier-cellar",
      endpoint: "/heartbeat",
    },
    timeoutMs: 30_000,
    leaseLeftMs: () => leaseEndsAt - clock.now(),
    automatic: false,
    onAccepted,
    onStop,
    ...options,
  });
  return {
    beats,
    clock,
    logger,
    sent,
    onAccepted,
    onStop,
    /** When each was sent. */
    times: () => sent.map(({ at }) => at),
    /** How far each said the handler was. */
    counts: () => sent.map(({ progress }) => progress?.current),
  };
}

/** A promise to be settled by hand. */
export function deferred<T>() {
  let resolve: ((value: T) => void) | undefined;
  let reject: ((error: unknown) => void) | undefined;
  const promise = new Promise<T>((...functions) => {
    [resolve, reject] = functions;
  });
  return { promise, resolve: (value: T) => resolve?.(value), reject: (error: unknown) => reject?.(error) };
}

export function throwing(error: unknown): () => never {
  return () => {
    throw error;
  };
}

/** What a sender does while the engine is out of reach. */
export function networkDown(): Promise<never> {
  return Promise.reject(new HeartbeatError("The heartbeat was not answered: ECONNRESET."));
}
