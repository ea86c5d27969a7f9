import type { ActivityStory, Progress } from "../engine/story.js";
import type { StoryEvent } from "../engine/story-event.js";
import type { CliIo } from "../shell/command.js";
import { cut, printable } from "../shell/terminal-text.js";
import { durationText } from "./duration.js";
import { compact, failureText, indented, inOneLine, progressText, stackText, statusStyle } from "./words.js";

const LABEL_WIDTH = 11;
const INDENT = " ".repeat(LABEL_WIDTH + 2);

/** Shows the history of one activity as it is written: a line for each step, a bar for its progress. */
export class LiveReport {
  private readonly io: CliIo;
  private bar: string | undefined;

  constructor(io: CliIo) {
    this.io = io;
  }

  event(step: StoryEvent): void {
    const { dim, yellow, red } = this.io.paint;
    switch (step.event) {
      case "attempt_started":
        this.line(`attempt ${step.attempt}`, dim("running"));
        return;
      case "progress":
        this.progress(step.progress);
        return;
      case "attempt_failed": {
        const { failure, retryInSeconds: wait } = step;
        const again = wait === null ? "" : wait === 0 ? "; again at once" : `; again in ${wait} s`;
        const paint = wait === null ? red : yellow;
        this.line("", `${paint(failureText(failure))}${again}`);
        return;
      }
      case "cancel_requested":
        this.line("", yellow("a cancellation was asked for"));
        return;
      case "terminate_requested":
        this.line("", yellow("a termination was asked for"));
    }
  }

  /** Shows why nothing happens. */
  waiting(why: string): void {
    this.line("waiting", this.io.paint.yellow(inOneLine(why)));
  }

  /** Shows how it ended. */
  closed(story: ActivityStory): void {
    const { paint } = this.io;
    const took = durationText(Date.parse(story.closedAt ?? story.startedAt) - Date.parse(story.startedAt));
    const attempts = `${story.attempts.length} attempt${story.attempts.length === 1 ? "" : "s"}`;
    const status = paint.bold(paint[statusStyle(story.status)](story.status.replace("_", " ")));
    this.line(status, `after ${took} and ${attempts}`, story.status.length);
    if (story.status === "completed") this.line("result", compact(story.result));
    if (story.failure === null) return;
    if (story.failure.details !== null) this.line("details", compact(story.failure.details));
    const stack = stackText(story.failure);
    if (stack !== null) this.line("stack", paint.dim(stack));
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
      const line = cut(printable(`${INDENT}${inOneLine(text)}`), this.io.columns - 1);
      this.io.redraw(this.io.paint.cyan(line));
    } else this.line("", text);
    this.bar = text;
  }

  /** @param width of the label as it is seen, without its colours */
  private line(label: string, text: string, width = label.length): void {
    this.end();
    this.io.out(`  ${label}${" ".repeat(Math.max(1, LABEL_WIDTH - width))}${indented(text, INDENT.length)}\n`);
  }
}
