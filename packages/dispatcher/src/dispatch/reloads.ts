import { configError } from "@durable-workflow/engine-protocol/executor-config";
import type { EventStream } from "../events/events.js";
import type { Secrets } from "../net/secrets.js";
import { pause } from "../time/clock.js";
import type { AuthorizersInUse } from "./authorizers-in-use.js";
import type { ConfigAtWork } from "./config-at-work.js";
import type { ConfigLook, ConfigSource } from "./config-source.js";
import type { EngineAccess } from "./engine-access.js";
import type { ResolvedOptions } from "./options.js";
import { planDispatch } from "./plan-lanes.js";

export interface ReloadsOptions {
  readonly options: ResolvedOptions;
  readonly source: ConfigSource;
  readonly access: EngineAccess;
  readonly authorizers: AuthorizersInUse;
  readonly atWork: ConfigAtWork;
  readonly events: EventStream;
  readonly secrets: Secrets;
}

/** Puts new configs, tokens and authorizers to work while the dispatcher runs. What is broken changes nothing. */
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
   * @returns false when the config is broken, or the authorizers are
   */
  check(force: boolean): Promise<boolean> {
    const checked = this.checking.then(() => this.checkOnce(force));
    this.checking = checked.catch(() => undefined);
    return checked;
  }

  private async checkOnce(force: boolean): Promise<boolean> {
    const look = await this.options.source.look(force);
    if (force) await this.reloadAccess();
    const refused = force || look.kind === "changed" ? await this.reloadAuthorizers() : undefined;
    if (this.ending.signal.aborted) return true;
    const isApplied = this.apply(look, force);
    if (refused === undefined) return isApplied;
    // Behind what the config itself has to tell, which would take its place.
    const errors = [...(look.kind === "broken" ? look.errors : []), configError("unsupported_auth_ref", refused)];
    this.options.events.emit({ type: "config_rejected", errors, message: refused });
    return false;
  }

  private apply(look: ConfigLook, force: boolean): boolean {
    const { access, atWork, events, options } = this.options;
    switch (look.kind) {
      case "unchanged":
        // Without a file there is still what the profiles hold.
        if (force) atWork.renewCredentials();
        return true;
      case "broken":
        if (force) atWork.renewCredentials();
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

  /** @returns what is wrong with the new ones, in whose place the old ones stay */
  private async reloadAuthorizers(): Promise<string | undefined> {
    try {
      await this.options.authorizers.load();
      return undefined;
    } catch (error) {
      // What other errors say is not known to hold no secret.
      return `the authorizers: ${error instanceof TypeError ? error.message : "they cannot be read"}`;
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
