import type { HistoryEvent } from "@durable-workflow/engine-protocol/control";
import { type FailureStory, hasProgress, type Progress, progressOf, readFailure } from "./story.js";

/** One step of an activity, as it is followed: shown to people, and printed by `--json`. */
export type StoryEvent =
  | { readonly event: "attempt_started"; readonly at: string; readonly attempt: number; readonly worker: string | null }
  | { readonly event: "progress"; readonly at: string; readonly attempt: number; readonly progress: Progress }
  | {
      readonly event: "attempt_failed";
      readonly at: string;
      readonly attempt: number;
      readonly failure: FailureStory;
      /** Null where there will be no other attempt. */
      readonly retryInSeconds: number | null;
    }
  | { readonly event: "cancel_requested" | "terminate_requested"; readonly at: string };

/** What an event of the history means to those who follow; undefined for what they need not know. */
export function storyEventOf(history: HistoryEvent): StoryEvent | undefined {
  const { event_type: type, timestamp: at } = history;
  const payload = history.payload ?? {};
  const attempt = numberIn(payload, "attempt_number") ?? numberIn(payload, "retry_after_attempt") ?? 0;
  switch (type) {
    case "ActivityStarted": {
      const owner = (payload["task"] as { readonly lease_owner?: unknown } | undefined)?.lease_owner;
      return { event: "attempt_started", at, attempt, worker: typeof owner === "string" ? owner : null };
    }
    case "ActivityHeartbeatRecorded": {
      const progress = progressOf(history);
      return hasProgress(history) && progress !== null ? { event: "progress", at, attempt, progress } : undefined;
    }
    case "ActivityRetryScheduled": {
      const retryInSeconds = numberIn(payload, "retry_backoff_seconds") ?? 0;
      return { event: "attempt_failed", at, attempt, failure: readFailure(payload), retryInSeconds };
    }
    case "ActivityFailed":
    case "ActivityTimedOut":
      return { event: "attempt_failed", at, attempt, failure: readFailure(payload), retryInSeconds: null };
    case "CancelRequested":
      return { event: "cancel_requested", at };
    case "TerminateRequested":
      return { event: "terminate_requested", at };
    default:
      return undefined;
  }
}

function numberIn(payload: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = payload[name];
  return typeof value === "number" ? value : undefined;
}
