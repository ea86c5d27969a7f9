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

/** One text for all readers of a stream: it is put together once, and its bytes are shared. */
export class Broadcast {
  private readonly readers = new Set<ServerResponse>();
  private waiting: string[] = [];
  private length = 0;
  private immediate: NodeJS.Immediate | undefined;
  private timer: NodeJS.Timeout | undefined;

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
      } else reader.write(bytes);
    }
  }

  /** Sends what waits, and ends all. */
  end(): void {
    this.flush();
    for (const reader of this.readers) reader.end();
    this.readers.clear();
  }
}
