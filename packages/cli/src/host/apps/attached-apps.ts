import type { HttpClient } from "../../net/http-client.js";
import { shownUrl } from "../../net/shown-url.js";
import { CliError, EXIT } from "../../shell/command.js";
import { type AppAnswer, askTypes } from "./ask-types.js";

const ASK_MS = 2_000;

/** An app that runs somewhere, as the command line names it. */
export interface AppTarget {
  readonly url: URL;
  readonly token: string | undefined;
  /** For an app that does not tell; undefined for one that is asked. */
  readonly types: readonly string[] | undefined;
}

/** How an app is doing. */
export interface AppState {
  /** As it may be shown. */
  readonly url: string;
  /** `waiting`: it has not answered yet; `attached`; `gone`: it has, and does no more; `refused`: by its gate; `silent`: it
   *  answers, and does not tell its types. */
  readonly state: "waiting" | "attached" | "gone" | "refused" | "silent";
  /** Those that it is sent tasks of. */
  readonly types: readonly string[];
  /** Null where all is well. */
  readonly why: string | null;
}

/**
 * Apps that host activities and run by themselves: each is asked for its activity types now and then, so that tasks of new
 * ones are leased too. One that does not answer keeps those that it had.
 */
export class AttachedApps {
  private readonly targets: readonly AppTarget[];
  private readonly http: HttpClient;
  private readonly onChange: (state: AppState) => void;
  private readonly states: AppState[];
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /** @param onChange called when the types of an app, or how it is doing, are others than before */
  constructor(targets: readonly AppTarget[], http: HttpClient, onChange: (state: AppState) => void) {
    this.targets = targets;
    this.http = http;
    this.onChange = onChange;
    this.states = targets.map(({ url, types = [] }) => ({
      url: shownUrl(url),
      state: types.length === 0 ? "waiting" : "attached",
      types,
      why: null,
    }));
  }

  /**
   * Asks each for the first time, and goes on asking. One that does not run yet is waited for.
   *
   * @throws {CliError} for one whose gate lets nobody in, and one that does not tell and of which nothing was said
   */
  async start(): Promise<void> {
    const answers = await Promise.all(this.targets.map((target) => this.ask(target)));
    for (const [index, answer] of answers.entries()) {
      const url = this.states[index]?.url ?? "";
      if (answer?.kind === "refused") throw refused(url, answer.why);
      if (answer?.kind === "silent") throw silent(url, answer.why);
      if (answer !== undefined) this.states[index] = next(this.states[index], url, answer);
    }
    this.later();
  }

  /** In the order of the command line. */
  get all(): readonly AppState[] {
    return this.states;
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private later(): void {
    if (this.isStopped || this.targets.every(({ types }) => types !== undefined)) return;
    this.timer = setTimeout(() => {
      void this.again().finally(() => this.later());
    }, ASK_MS);
  }

  private async again(): Promise<void> {
    await Promise.all(
      this.targets.map(async (target, index) => {
        const answer = await this.ask(target);
        const before = this.states[index];
        if (answer === undefined || before === undefined || this.isStopped) return;
        const after = next(before, before.url, answer);
        this.states[index] = after;
        if (before.state !== after.state || before.types.join("\n") !== after.types.join("\n")) this.onChange(after);
      }),
    );
  }

  /** Undefined for an app that need not be asked. */
  private async ask(target: AppTarget): Promise<AppAnswer | undefined> {
    return target.types === undefined ? askTypes(target, this.http) : undefined;
  }
}

function next(before: AppState | undefined, url: string, answer: AppAnswer): AppState {
  if (answer.kind === "types") return { url, state: "attached", types: answer.types, why: null };
  const types = before?.types ?? [];
  const { why } = answer;
  if (answer.kind !== "absent") return { url, state: answer.kind, types, why };
  return { url, state: before === undefined || before.state === "waiting" ? "waiting" : "gone", types, why };
}

function refused(url: string, why: string): CliError {
  return new CliError(
    EXIT.config,
    `the app at ${url} does not let us ask for its activities: ${why}`,
    "Name the variable of the token that its gate wants with --app-token-env.",
  );
}

function silent(url: string, why: string): CliError {
  return new CliError(
    EXIT.config,
    `the app at ${url} does not tell which activities it has: ${why}`,
    "Is this where it takes tasks? Name the types with --types, or give its carrier manifest: activityManifest().",
  );
}
