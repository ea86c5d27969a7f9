import { resolve } from "node:path";
import type { InvocableActivityHandlerOptions } from "@durable-workflow/carrier";
import { CliError, type CliIo, EXIT } from "../../shell/command.js";
import { type CollectedActivities, collectActivities } from "./collect.js";
import { type LoadedModule, loadModule } from "./load-module.js";
import { FileWatch } from "./watch.js";

export interface SourceOptions {
  readonly files: readonly string[];
  readonly watch: boolean;
  readonly handlerOptions: InvocableActivityHandlerOptions;
  /** New activities are to be used in place of the old ones. */
  onReload(activities: CollectedActivities): void;
  /** A change was seen that cannot be used: the old activities stay. */
  onBroken(error: CliError): void;
  /** With `watch`: the files whose changes count from now on, absolute paths. */
  onSources?(files: readonly string[]): void;
}

/** The activities of files, loaded, and with `watch` loaded again when the files or what they import change. */
export class ActivitySource {
  private readonly options: SourceOptions;
  private readonly paths: readonly string[];
  private readonly watch: FileWatch | undefined;
  private used: CollectedActivities[] = [];
  private sources: readonly string[] = [];
  private loading: Promise<void> = Promise.resolve();
  private isClosed = false;

  constructor(options: SourceOptions, { cwd }: Pick<CliIo, "cwd">) {
    this.options = options;
    this.paths = [...new Set(options.files.map((file) => resolve(cwd, file)))];
    this.watch = options.watch ? new FileWatch(() => this.reload()) : undefined;
  }

  /** @throws {CliError} with exit code 78 */
  async load(): Promise<CollectedActivities> {
    const modules: LoadedModule[] = [];
    try {
      for (const path of this.paths) modules.push(await loadModule(path, { afresh: this.options.watch }));
    } finally {
      // A file that does not load is watched all the same: it is what will be mended.
      const seen = modules.flatMap(({ sources }) => sources);
      this.sources = [
        ...new Set([...this.paths, ...(modules.length === this.paths.length ? [] : this.sources), ...seen]),
      ];
      this.watch?.set(this.sources);
      if (this.options.watch) this.options.onSources?.(this.sources);
    }
    const activities = collectActivities(modules, this.options.handlerOptions);
    this.used.push(activities);
    if (this.isClosed) await activities.shutdown(0);
    return activities;
  }

  private reload(): void {
    this.loading = this.loading.then(async () => {
      if (this.isClosed) return;
      try {
        const activities = await this.load();
        if (!this.isClosed) this.options.onReload(activities);
      } catch (error) {
        if (this.isClosed) return;
        const { message } = error as Error;
        this.options.onBroken(error instanceof CliError ? error : new CliError(EXIT.config, message));
      }
    });
  }

  /** Stops watching, takes no more tasks, and ends what still runs after so long. */
  async close(graceMs: number): Promise<void> {
    this.isClosed = true;
    this.watch?.close();
    // Not for what is being loaded: that may never end.
    await Promise.all(this.used.map((activities) => activities.shutdown(graceMs)));
    this.used = [];
  }
}
