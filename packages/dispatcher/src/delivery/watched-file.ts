import { stat } from "node:fs/promises";
import { readTextFile } from "../config/text-file.js";
import type { Clock } from "../time/clock.js";

/** How often a file is looked at for changes, at most. */
const RECHECK_MS = 1_000;

/** A file that is read again when it has changed. */
export class WatchedFile {
  private readonly path: string;
  private readonly clock: Clock;
  private checkedAt = Number.NEGATIVE_INFINITY;
  private stamp = "";
  private text = "";

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.clock = clock;
  }

  /** @param isUrgent whether to look at once */
  async read(isUrgent = false): Promise<string> {
    const now = this.clock.monotonic();
    if (!isUrgent && now - this.checkedAt < RECHECK_MS) return this.text;
    const { mtimeMs, size, ino } = await stat(this.path);
    const stamp = `${mtimeMs} ${size} ${ino}`;
    if (stamp !== this.stamp) {
      this.text = await readTextFile(this.path);
      this.stamp = stamp;
    }
    this.checkedAt = now;
    return this.text;
  }
}
