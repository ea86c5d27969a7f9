import { afterEach, expect, vi } from "vitest";
import {
  type EngineHeartbeatOptions,
  engineHeartbeatSender,
} from "../../src/activity/heartbeat/engine-heartbeat-sender.js";
import {
  type Heartbeat,
  type HeartbeatError,
  isHeartbeatError,
} from "../../src/activity/heartbeat/heartbeat-sender.js";
import { type Act, scriptedEngine } from "./scripted-engine.js";

export const TOKEN = "hush-worker-token";
export const PATH = "/api/worker/activity-tasks/task-lamp-7/heartbeat";

/** What an engine says to a heartbeat that it takes, and how that is read. */
export const OK = {
  task_id: "task-lamp-7",
  can_continue: true,
  cancel_requested: false,
  reason: null,
  lease_expires_at: "2999-06-01T12:35:00.250833Z",
};
export const TAKEN = {
  canContinue: true,
  cancelRequested: false,
  reason: undefined,
  leaseExpiresAt: new Date("2999-06-01T12:35:00.250Z"),
};

export function heartbeat(changes: Partial<Heartbeat> = {}): Heartbeat {
  return {
    taskId: "task-lamp-7",
    attemptId: "attempt-lamp-7-b",
    leaseOwner: "carrier-cellar",
    endpoint: PATH,
    progress: undefined,
    signal: new AbortController().signal,
    ...changes,
  };
}

const closers: (() => Promise<void>)[] = [];

/** Of the tests of a file, to be called once: ends what they have started. */
export function closeEnginesAfterEach(): void {
  afterEach(async () => {
    vi.unstubAllGlobals();
    await Promise.all(closers.splice(0).map((close) => close()));
  });
}

/** A server that is closed after the test, and senders to it. */
export async function engine(...script: readonly Act[]) {
  const server = await scriptedEngine(...script);
  closers.push(() => server.close());
  const sender = (options: Partial<EngineHeartbeatOptions> = {}) =>
    engineHeartbeatSender({ serverUrl: server.url, token: TOKEN, ...options });
  return { ...server, sender };
}

/** What a send fails with: our own error, without the token, whichever way it is looked at. */
export async function failure(sent: Promise<unknown>): Promise<HeartbeatError> {
  const error = await sent.then(
    (answer) => expect.fail(`answered ${JSON.stringify(answer)}`),
    (reason: unknown) => reason,
  );
  if (!isHeartbeatError(error)) throw error;
  const shown = [error.message, error.stack, JSON.stringify(error), JSON.stringify(Object.entries(error))].join("\n");
  expect(shown).not.toContain(TOKEN);
  expect(error.cause).toBeUndefined();
  return error;
}
