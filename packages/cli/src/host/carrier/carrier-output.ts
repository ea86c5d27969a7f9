import { type InvocableActivityHandlerOptions } from "@durable-workflow/carrier";
import { EXTERNAL_TASK_INPUT_MEDIA_TYPE } from "@durable-workflow/carrier/protocol";
import type { RefusedRequest } from "@durable-workflow/carrier/serve";
import { buildTaskInput } from "@durable-workflow/carrier/testing";
import type { Untaken } from "../../engine/takers.js";
import { shownUrl } from "../../net/shown-url.js";
import { durationText } from "../../report/duration.js";
import { shownFile } from "../../report/shown-file.js";
import { clockTime, say, sayOften, statusStyle } from "../../report/words.js";
import type { CliError, CliIo } from "../../shell/command.js";
import type { ActivityFile } from "../activities/collect.js";
import type { AppState } from "../apps/attached-apps.js";
import type { Crash, RunFacts } from "../process/crash.js";
import { userFrames } from "./stack-lines.js";
import type { TaskReport } from "./task-report.js";

const YEAR_MS = 365 * 86_400_000;

/** What a command that hosts activities says while it runs: lines for people, or events as JSON lines. */
export class CarrierOutput {
  private readonly io: CliIo;
  private readonly json: boolean;

  constructor(io: CliIo, json: boolean) {
    this.io = io;
    this.json = json;
  }

  /** An event for `--json`; people are told by `text`, which is not called then. */
  event(event: string, facts: object, text: () => string | undefined): void {
    const line = this.lineOf(event, facts, text);
    if (line !== undefined) say(this.io, line);
  }

  private lineOf(event: string, facts: object, text: () => string | undefined): string | undefined {
    return this.json ? JSON.stringify({ event, at: new Date().toISOString(), ...facts }) : text();
  }

  activities(types: readonly (ActivityFile | { readonly type: string; readonly url: string })[]): string {
    const width = Math.max(...types.map(({ type }) => type.length));
    const { dim } = this.io.paint;
    const from = (one: (typeof types)[number]): string =>
      "file" in one ? shownFile(one.file, this.io.cwd) : shownUrl(one.url);
    return types.map((one) => `  ${one.type.padEnd(width)}  ${dim(from(one))}`).join("\n");
  }

  task(report: TaskReport): void {
    const line = this.lineOf("task", report, () => {
      const { type, attempt, outcome, failure, durationMs } = report;
      const { dim } = this.io.paint;
      const what =
        failure === null ? "" : `  ${failure.type ?? failure.classification ?? "failure"}: ${oneLine(failure.message)}`;
      const retry = failure === null || outcome === "cancelled" ? "" : whatFollows(failure);
      const status = this.io.paint[statusStyle(outcome)](outcome);
      // A crash has been told with its stack.
      const stack = failure?.classification === "handler_crash" ? null : failure?.stackTrace;
      return this.timed(
        `${type}  attempt ${attempt}  ${status} ${dim(`in ${durationText(durationMs)}`)}${what}${retry}${this.stack(stack)}`,
      );
    });
    if (line !== undefined) sayOften(this.io, line);
  }

  /** What an attempt did beside returning and throwing: to itself, or to its process. */
  crash(crash: Crash): void {
    const { cause, message, stack, run, late, candidates } = crash;
    this.event("crash", { cause, message, stackTrace: stack, run, late, candidates }, () => {
      const who = run === null ? "" : `${run.type}  attempt ${run.attempt}  `;
      const when = late ? " It was over by then, and keeps its outcome." : "";
      return this.timed(
        `${who}${this.io.paint.red(oneLine(message))}${when}${suspects(crash, candidates)}${this.stack(stack)}`,
      );
    });
  }

  private stack(stack: string | null | undefined): string {
    const { dim } = this.io.paint;
    return userFrames(stack ?? "", this.io.cwd)
      .map((line) => `\n          ${dim(line)}`)
      .join("");
  }

  refusal({ status, method }: RefusedRequest): void {
    this.event("refused", { status, method }, () =>
      this.timed(this.io.paint.yellow(`${method} request answered ${status}`)),
    );
  }

  reloaded(types: readonly ActivityFile[]): void {
    this.event("reloaded", { activities: types }, () => this.timed(`reloaded\n${this.activities(types)}`));
  }

  /** An app that is attached, and how it is doing. */
  app(state: AppState): void {
    const { url, types, why } = state;
    this.event("app", state, () => {
      const { yellow } = this.io.paint;
      const reason = why === null ? "" : ` (${why})`;
      if (state.state === "attached") {
        return this.timed(`${url}  ${types.length === 0 ? "has no activities" : `runs ${types.join(", ")}`}`);
      }
      const said = {
        waiting: "is waited for",
        gone: "does not answer",
        refused: "wants another token",
        silent: "does not tell which activities it has: --types names them",
      }[state.state];
      return this.timed(`${url}  ${yellow(`${said}${reason}`)}`);
    });
  }

  /** What ends no more than itself. */
  failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.event("log", { level: "error", message, fields: {} }, () => this.timed(this.io.paint.red(oneLine(message))));
  }

  /** A type that two have. */
  clash({ message, hint }: CliError): void {
    this.event("clash", { message, hint: hint ?? null }, () => this.timed(this.io.paint.yellow(message)));
  }

  /** An activity that nobody takes. */
  waiting(untaken: Untaken): void {
    this.event("waiting", untaken, () => this.timed(this.io.paint.yellow(`waiting: ${oneLine(untaken.message)}`)));
  }

  restarted(): void {
    this.event("restarted", {}, () => this.timed("The activities run again."));
  }

  broken({ message, hint }: CliError): void {
    this.event("reload_failed", { message, hint: hint ?? null }, () =>
      this.timed(
        `${this.io.paint.red(message)}${hint === undefined ? "" : `\n          ${hint}`}\n          The activities of before stay.`,
      ),
    );
  }

  /** A logger for handlers: what activities log, below their tasks' lines. */
  get logger(): NonNullable<InvocableActivityHandlerOptions["logger"]> {
    const log =
      (level: string) =>
      (fields: Readonly<Record<string, unknown>>, message: string): void =>
        this.event("log", { level, message, fields }, () => {
          const { dim, yellow, red } = this.io.paint;
          const paint = level === "error" ? red : level === "warn" ? yellow : dim;
          const type = fields["activity_type"];
          return this.timed(paint(`${typeof type === "string" ? `${type}  ` : ""}${level}: ${message}`));
        });
    return { debug: () => {}, info: log("info"), warn: log("warn"), error: log("error") };
  }

  timed(text: string): string {
    return `${this.io.paint.dim(clockTime(new Date()))}  ${text}`;
  }
}

function whatFollows({ willRetry, retryable }: NonNullable<TaskReport["failure"]>): string {
  if (willRetry !== null) return willRetry ? " (will be retried)" : " (final)";
  return retryable === true ? " (may be retried)" : "";
}

/** Which attempts it may be laid to, where that cannot be told. */
function suspects({ cause, run }: Crash, candidates: readonly RunFacts[]): string {
  if (run !== null) return "";
  const names = candidates.map(({ type, attempt }) => `${type} (attempt ${attempt})`).join(", ");
  if (cause === "process_ended") return names === "" ? " Nothing ran in it." : ` There ran: ${names}.`;
  return names === "" ? " No attempt ran then." : ` It may come from: ${names}.`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ");
}

/**
 * A command for a shell that sends the carrier a task: of the activity, without arguments. Windows' shells have no quotes in
 * which JSON could stand.
 */
export function taskCommand(
  url: string,
  type: string,
  { tokenVariable, platform = process.platform }: { tokenVariable: string | undefined; platform?: NodeJS.Platform },
): string {
  if (platform === "win32") {
    return `dw-carrier invoke ${url} ${type}${tokenVariable === undefined ? "" : ` --token-env ${tokenVariable}`}`;
  }
  // Somebody will copy it tomorrow.
  const envelope = buildTaskInput({ activityType: type, args: [], leaseMs: YEAR_MS, startToCloseMs: null });
  const data = JSON.stringify(envelope).replaceAll("'", String.raw`'\''`);
  const token = tokenVariable === undefined ? "" : ` -H "authorization: Bearer $${tokenVariable}"`;
  return `curl -s ${url} -H 'content-type: ${EXTERNAL_TASK_INPUT_MEDIA_TYPE}'${token} --data-binary '${data}'`;
}
