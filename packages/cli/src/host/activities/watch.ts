import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";

/** Editors write a file in several steps, and several files at once. */
const SETTLE_MS = 80;

/**
 * Calls `onChange` some time after any of the files was written, replaced or removed. Watches their folders, as editors
 * replace files by new ones of the same name.
 */
export class FileWatch {
  private readonly onChange: () => void;
  private readonly watchers = new Map<string, FSWatcher>();
  private names = new Map<string, Set<string>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(onChange: () => void) {
    this.onChange = onChange;
  }

  /** The files to watch from now on, absolute paths, in place of those before. */
  set(files: readonly string[]): void {
    this.names = new Map();
    for (const file of files) {
      const folder = dirname(file);
      const names = this.names.get(folder) ?? new Set();
      this.names.set(folder, names.add(comparable(basename(file))));
    }
    for (const [folder, watcher] of this.watchers) {
      if (this.names.has(folder)) continue;
      watcher.close();
      this.watchers.delete(folder);
    }
    for (const folder of this.names.keys()) if (!this.watchers.has(folder)) this.begin(folder);
  }

  close(): void {
    clearTimeout(this.timer);
    for (const watcher of this.watchers.values()) watcher.close();
  }

  private begin(folder: string): void {
    try {
      const watcher = watch(folder, (_event, name) => {
        // Some systems do not say which file it was.
        if (name !== null && this.names.get(folder)?.has(comparable(name)) !== true) return;
        clearTimeout(this.timer);
        this.timer = setTimeout(this.onChange, SETTLE_MS);
      });
      watcher.on("error", () => {
        watcher.close();
        this.watchers.delete(folder);
      });
      this.watchers.set(folder, watcher);
    } catch {
      // A folder that is gone: it comes back with the next change that is seen.
    }
  }
}

/**
 * A file's name as names are told apart: Windows and macOS take those for one that differ in case alone, or in how accents are
 * spelt, and tell the name that is on the disk, not the one that was asked for.
 */
export function comparable(name: string, platform: NodeJS.Platform = process.platform): string {
  return platform === "win32" || platform === "darwin" ? name.normalize("NFC").toLowerCase() : name;
}
