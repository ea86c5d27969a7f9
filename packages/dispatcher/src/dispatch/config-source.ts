import {
  type ConfigError,
  type ExecutorConfig,
  ExecutorConfigError,
  type ParseConfigOptions,
  parseExecutorConfig,
} from "@durable-workflow/engine-protocol/executor-config";
import type { Setting } from "../config/connection.js";
import { parseConfigText, readConfigText } from "../config/load.js";
import { describePath } from "../config/shown-path.js";
import type { EffectiveConfiguration } from "./api.js";
import type { ResolvedOptions } from "./options.js";

/** What a look at the config found. */
export type ConfigLook =
  | { readonly kind: "unchanged" }
  | { readonly kind: "changed"; readonly config: ExecutorConfig }
  | { readonly kind: "broken"; readonly errors: readonly ConfigError[]; readonly message: string };

/** Where the executor config comes from: a document, a file that may change, or nowhere. */
export class ConfigSource {
  private readonly options: ResolvedOptions;
  private seen: string | undefined;

  constructor(options: ResolvedOptions) {
    this.options = options;
  }

  /** Which file and overlay count, and who said so. */
  describe(): Pick<EffectiveConfiguration, "configFile" | "configOverlay"> {
    const { given, configPath, configOverlay } = this.options;
    const path = given.config === undefined ? configPath : undefined;
    return {
      configFile: setting(path === undefined ? undefined : describePath(path), given.config ?? given.configPath),
      configOverlay: setting(configOverlay, given.configOverlay),
    };
  }

  private get parsing(): ParseConfigOptions {
    const { configOverlay, given } = this.options;
    return {
      ...(configOverlay === undefined ? {} : { overlay: configOverlay }),
      ...(given.knownHandlers === undefined ? {} : { knownHandlers: given.knownHandlers }),
    };
  }

  /** Whether there is a file to look at again. */
  get isFile(): boolean {
    return this.options.given.config === undefined && this.options.configPath !== undefined;
  }

  /**
   * The config as it is at first; undefined for none.
   *
   * @throws {ExecutorConfigError}
   */
  async load(): Promise<ExecutorConfig | undefined> {
    const { given, configPath } = this.options;
    if (given.config !== undefined) return parseExecutorConfig(documentOf(given.config), this.parsing);
    if (configPath === undefined) return undefined;
    const text = await readConfigText(configPath);
    this.seen = text;
    return parseConfigText(text, configPath, this.parsing);
  }

  /** Looks whether the file has changed. A broken file is reported once, until it changes again. */
  async look(force: boolean): Promise<ConfigLook> {
    const { configPath, given } = this.options;
    try {
      if (force && typeof given.config === "function") {
        return { kind: "changed", config: parseExecutorConfig(documentOf(given.config), this.parsing) };
      }
      if (!this.isFile || configPath === undefined) return { kind: "unchanged" };
      const text = await readConfigText(configPath);
      if (text === this.seen && !force) return { kind: "unchanged" };
      this.seen = text;
      return { kind: "changed", config: parseConfigText(text, configPath, this.parsing) };
    } catch (error) {
      if (!(error instanceof ExecutorConfigError)) throw error;
      const { errors, message } = error;
      const unreadable = errors.some(({ code }) => code === "unreadable_config");
      if (unreadable && this.seen === "" && !force) return { kind: "unchanged" };
      if (unreadable) this.seen = "";
      return { kind: "broken", errors, message };
    }
  }
}

function documentOf(config: unknown): unknown {
  return typeof config === "function" ? (config as () => unknown)() : config;
}

/** @param given what was given in code: it comes before the environment */
function setting<T>(value: T | undefined, given: unknown): Setting<T | null> {
  if (given !== undefined) return { value: value ?? null, source: "flag" };
  return { value: value ?? null, source: value === undefined ? "default" : "environment" };
}
