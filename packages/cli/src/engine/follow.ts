import type { ActivityDescription } from "@durable-workflow/client/tools";
import type { HistoryEvent } from "@durable-workflow/engine-protocol/control";
import { CliError, EXIT } from "../shell/command.js";
import type { ControlPlane } from "./control-plane.js";
import { type ActivityStory, isClosed, tellStory } from "./story.js";

/** How often an engine without a stream of events is asked. */
const POLL_MS = 500;
/** With a stream it is asked from time to time all the same: a stream may break without a word. */
const STREAMED_POLL_MS = 5_000;
/** An engine that restarts is waited for so long. */
const PATIENCE_MS = 30_000;

export interface FollowOptions {
  readonly id: string;
  readonly signal: AbortSignal;
  /** Called with each event of the history, once, in their order. */
  readonly onEvent: (event: HistoryEvent) => void;
}

/**
 * Follows the newest run of an activity until it is closed; undefined when the signal was aborted before.
 *
 * @throws {CliError} when the engine cannot be reached, for some while once it was, or does not know the activity
 */
export async function follow(client: ControlPlane, options: FollowOptions): Promise<ActivityStory | undefined> {
  const { id, signal, onEvent } = options;
  const done = new AbortController();
  const bell = new Bell();
  const stop = (): void => bell.ring();
  signal.addEventListener("abort", stop);
  try {
    const isStreamed = await client.onEvents(AbortSignal.any([signal, done.signal]), (event) => {
      if (event.id === id) bell.ring();
    });
    let seen = 0;
    let state = "";
    let run = "";
    let history: readonly HistoryEvent[] = [];
    let lastAnswer: number | undefined;
    while (!signal.aborted) {
      try {
        const description = await client.describe(id);
        // The history may be long: it is asked for when something has happened.
        if (stateOf(description) !== state) {
          history = await client.history(id, description.workflow_run_id);
          state = stateOf(description);
          // An id may be used again, for a run whose events are counted anew.
          if (description.workflow_run_id !== run) seen = 0;
          run = description.workflow_run_id;
          for (const event of history) {
            if (event.sequence > seen) onEvent(event);
            seen = Math.max(seen, event.sequence);
          }
        }
        lastAnswer = performance.now();
        const story = tellStory(description, history);
        if (isClosed(story)) return story;
      } catch (error) {
        const isAway = error instanceof CliError && error.exitCode === EXIT.unreachable;
        if (!isAway || lastAnswer === undefined || performance.now() - lastAnswer > PATIENCE_MS) throw error;
      }
      await bell.wait(isStreamed ? STREAMED_POLL_MS : POLL_MS);
    }
    return undefined;
  } finally {
    signal.removeEventListener("abort", stop);
    done.abort();
  }
}

/** The story of an activity as it stands. */
export async function tell(client: ControlPlane, id: string): Promise<ActivityStory> {
  const description = await client.describe(id);
  return tellStory(description, await client.history(id, description.workflow_run_id));
}

function stateOf(description: ActivityDescription): string {
  const {
    status,
    activity_status: own,
    attempt_count: attempts,
    last_progress_at: at,
    last_heartbeat_at: beat,
  } = description;
  return [status, own, attempts, at, beat, description.workflow_run_id].join(" ");
}

/** Something to wait for, rung by somebody else: before or while it is waited for. */
class Bell {
  private rung = false;
  private wake: (() => void) | undefined;

  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(finish.bind(this), this.rung ? 0 : ms);
      function finish(this: Bell): void {
        clearTimeout(timer);
        this.wake = undefined;
        this.rung = false;
        resolve();
      }
      this.wake = finish.bind(this);
    });
  }
}
