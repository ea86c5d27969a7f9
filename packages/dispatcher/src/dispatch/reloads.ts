import { configError } from "@durable-workflow/engine-protocol/executor-config";
import type { EventStream } from "../events/events.js";
import type { Secrets } from "../net/secrets.js";
import { pause } from "../time/clock.js";
import type { ConfigAtWork } from "./config-at-work.js";
import type { ConfigSource } from "./config-source.js";
import type { EngineAccess } from "./engine-access.js";
import type { ResolvedOptions } from "./options.js";
import { planDispatch } from "./plan-lanes.js";

export interface ReloadsOptions {
  readonly options: ResolvedOptions;
  readonly source: ConfigSource;
  readonly access: EngineAccess;
  readonly atWork: ConfigAtWork;
  readonly events: EventStream;
  readonly secrets: Secrets;
}

/** Puts new configs and tokens to work while the dispatcher runs. What is broken changes nothing. */
export class Reloads {
  private readonly options: ReloadsOptions;
  private readonly ending = new AbortController();
  private checking: Promise<unknown> = Promise.resolve();

  constructor(options: ReloadsOptions) {
    this.options = options;
  }

  /** Looks every now and then whether the config's file has changed, where there is a file. */
  async watch(): Promise<void> {
    const { source, options } = this.options;
    const { clock, configCheckMs } = options;
    if (!source.isFile || configCheckMs === 0) return;
    while (!this.ending.signal.aborted) {
      await pause(clock, configCheckMs, this.ending.signal);
      if (!this.ending.signal.aborted) await this.check(false);
    }
  }

  /** Nothing is put to work any more. */
  end(): void {
    this.ending.abort();
  }

  /**
   * One after the other: what was read first must not be put to work last.
   *
   * @param force whether to read again what seems not to have changed
   * @returns false when the config is broken
   */
  check(force: boolean): Promise<boolean> {
    const checked = this.checking.then(() => this.checkOnce(force));
    this.checking = checked.catch(() => undefined);
    return checked;
  }

  private async checkOnce(force: boolean): Promise<boolean> {
    const { source, access, atWork, events, options } = this.options;
    const look = await source.look(force);
    if (force) await this.reloadAccess();
    if (this.ending.signal.aborted) return true;
    switch (look.kind) {
      case "unchanged":
        // Without a file there is still what the profiles hold.
        if (force) atWork.renewCredentials();
        return true;
      case "broken":
        events.emit({ type: "config_rejected", errors: look.errors, message: look.message });
        return false;
      case "changed":
        try {
          atWork.apply(look.config, planDispatch(options, access.connection, look.config));
          return true;
        } catch (error) {
          if (!(error instanceof TypeError)) throw error;
          const errors = [configError("invalid_queue_binding", error.message)];
          events.emit({ type: "config_rejected", errors, message: error.message });
          return false;
        }
    }
  }

  /** Tokens may have changed. Where the engine is stays as it was; a broken file changes nothing. */
  private async reloadAccess(): Promise<void> {
    const { access, atWork, events, secrets } = this.options;
    try {
      await access.reload(atWork.config);
      secrets.add(access.connection.token.value);
    } catch (error) {
      const message = error instanceof Error ? error.message : "the profiles file cannot be read";
      events.emit({ type: "config_rejected", errors: [], message });
    }
  }
}
