import type { ServerResponse } from "node:http";

/** A reader that has left so much unread is let go: it can join again. */
const MOST_UNREAD_BYTES = 262_144;
/** With more readers than this, what happens within a moment goes out together: each write costs, for each of them. */
const FEW_READERS = 8;
const TOGETHER_MS = 50;
/** For each reader, so that a second holds no more than 2,500 writes. */
const TOGETHER_MS_EACH = 0.4;
/** Text that waits for its moment. */
const MOST_WAITING_CHARACTERS = 262_144;
/**
 * What goes out to all readers together: the bytes are copied for each of them, also for those who never read. Twenty
 * readers take part in any storm of events; of the others so many as these bytes are enough for.
 */
const BYTES_PER_SECOND = 25_000_000;
const MOST_SAVED_BYTES = 50_000_000;
const READERS_IN_ANY_CASE = 20;

export interface BroadcastOptions {
  /** Told how many readers were let go, because there were too many for so many events. */
  readonly onLetGo?: (readers: number) => void;
  /** Monotonic. Default: `performance.now`. */
  readonly nowMs?: () => number;
}

/** One text for all readers of a stream: it is put together once, and its bytes are shared. */
export class Broadcast {
  private readonly readers = new Set<ServerResponse>();
  private waiting: string[] = [];
  private length = 0;
  private immediate: NodeJS.Immediate | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly options: BroadcastOptions;
  private readonly nowMs: () => number;
  private savedBytes = MOST_SAVED_BYTES;
  private savedAtMs: number;

  constructor(options: BroadcastOptions = {}) {
    this.options = options;
    this.nowMs = options.nowMs ?? (() => performance.now());
    this.savedAtMs = this.nowMs();
  }

  get size(): number {
    return this.readers.size;
  }

  add(reader: ServerResponse): void {
    // What happened before is not for it.
    this.flush();
    this.readers.add(reader);
  }

  delete(reader: ServerResponse): void {
    this.readers.delete(reader);
  }

  send(text: string): void {
    if (this.readers.size === 0) return;
    this.waiting.push(text);
    this.length += text.length;
    if (this.length > MOST_WAITING_CHARACTERS) this.flush();
    else if (this.readers.size > FEW_READERS) {
      this.timer ??= setTimeout(
        () => {
          this.flush();
        },
        Math.max(TOGETHER_MS, this.readers.size * TOGETHER_MS_EACH),
      );
    } else {
      this.immediate ??= setImmediate(() => {
        this.flush();
      });
    }
  }

  /** Sends what waits now. */
  flush(): void {
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
    this.timer = undefined;
    this.immediate = undefined;
    if (this.waiting.length === 0) return;
    const bytes = Buffer.from(this.waiting.join(""));
    this.waiting = [];
    this.length = 0;
    for (const reader of this.readers) {
      if (reader.writableLength > MOST_UNREAD_BYTES) {
        this.readers.delete(reader);
        reader.destroy();
      }
    }
    this.letGo(this.readers.size - this.affordable(bytes.length));
    this.savedBytes -= bytes.length * this.readers.size;
    for (const reader of this.readers) reader.write(bytes);
  }

  /** How many readers so many bytes can be sent to now. */
  private affordable(length: number): number {
    const now = this.nowMs();
    const earned = ((now - this.savedAtMs) / 1000) * BYTES_PER_SECOND;
    this.savedBytes = Math.min(MOST_SAVED_BYTES, this.savedBytes + earned);
    this.savedAtMs = now;
    return Math.max(READERS_IN_ANY_CASE, Math.floor(this.savedBytes / length));
  }

  /** Those that are behind first, then those that came last. They can join again. */
  private letGo(count: number): void {
    if (count <= 0) return;
    const newest = [...this.readers].toReversed();
    const all = [...newest.filter(isBehind), ...newest.filter((reader) => !isBehind(reader))];
    for (const reader of all.slice(0, count)) {
      this.readers.delete(reader);
      reader.destroy();
    }
    this.options.onLetGo?.(count);
  }

  /** Sends what waits, and ends all. */
  end(): void {
    this.flush();
    for (const reader of this.readers) reader.end();
    this.readers.clear();
  }
}

function isBehind({ writableLength }: ServerResponse): boolean {
  return writableLength > 0;
}
