import type { CliIo } from "../command.js";
import { type ActivityStory, hasProgress, type Progress, progressOf, readFailure } from "../engine/story.js";
import type { HistoryEvent } from "../engine/wire.js";
import { cut } from "./table.js";
import { compact, durationText, failureText, progressText, statusStyle } from "./words.js";

const LABEL_WIDTH = 11;

/** Shows the history of one activity as it is written: a line for each step, a bar for its progress. */
export class LiveReport {
  private readonly io: CliIo;
  private bar: string | undefined;

  constructor(io: CliIo) {
    this.io = io;
  }

  /** Shows an event; of those that mean nothing to people nothing. */
  event({ event_type: type, payload, ...event }: HistoryEvent): void {
    const { dim, yellow, red } = this.io.paint;
    const number = payload?.["attempt_number"];
    switch (type) {
      case "ActivityStarted":
        this.line(`attempt ${String(number)}`, dim("running"));
        return;
      case "ActivityHeartbeatRecorded": {
        const progress = progressOf({ event_type: type, payload, ...event });
        if (progress !== null && hasProgress({ event_type: type, payload, ...event })) this.progress(progress);
        return;
      }
      case "ActivityRetryScheduled": {
        const wait = payload?.["retry_backoff_seconds"];
        const again = wait === 0 || wait === undefined ? "again at once" : `again in ${Number(wait)} s`;
        this.line("", `${yellow(failureText(readFailure(payload ?? {})))}; ${again}`);
        return;
      }
      case "ActivityFailed":
      case "ActivityTimedOut":
        this.line("", red(failureText(readFailure(payload ?? {}))));
        return;
      case "CancelRequested":
        this.line("", yellow("a cancellation was asked for"));
        return;
      case "TerminateRequested":
        this.line("", yellow("a termination was asked for"));
        return;
      default:
    }
  }

  /** Shows how it ended. */
  closed(story: ActivityStory): void {
    const { paint } = this.io;
    const took = durationText(Date.parse(story.closedAt ?? story.startedAt) - Date.parse(story.startedAt));
    const attempts = `${story.attempts.length} attempt${story.attempts.length === 1 ? "" : "s"}`;
    const status = paint.bold(paint[statusStyle(story.status)](story.status.replace("_", " ")));
    this.line(status, `after ${took} and ${attempts}`, story.status.length);
    if (story.status === "completed") this.line("result", compact(story.result));
    if (story.failure !== null && story.failure.details !== null) this.line("details", compact(story.failure.details));
  }

  /** What was written stays; what follows begins on a line of its own. */
  end(): void {
    if (this.bar !== undefined && this.io.isTty) this.io.out("\n");
    this.bar = undefined;
  }

  private progress(progress: Progress): void {
    const text = progressText(progress);
    if (text === this.bar) return;
    if (this.io.isTty) {
      const line = cut(`  ${" ".repeat(LABEL_WIDTH)}${text}`, this.io.columns - 1);
      this.io.out(`\r\u001b[K${this.io.paint.cyan(line)}`);
    } else this.line("", text);
    this.bar = text;
  }

  /** @param width of the label as it is seen, without its colours */
  private line(label: string, text: string, width = label.length): void {
    this.end();
    this.io.out(`  ${label}${" ".repeat(Math.max(1, LABEL_WIDTH - width))}${text}\n`);
  }
}
