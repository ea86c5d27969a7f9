import { closeSync, createReadStream, existsSync, openSync, readSync } from "node:fs";
import { createInterface } from "node:readline";

const CHUNK_BYTES = 1024 * 1024;

/** Each line of a file that may be long. A last line without its end was being written by what was killed. */
export async function* linesOf(file: string): AsyncGenerator<string> {
  if (!existsSync(file)) return;
  yield* createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
}

/** Reads what has been added to a file since it was read last, in whole lines. */
export class Tail {
  private offset = 0;
  private readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  read(take: (line: string) => void): void {
    if (!existsSync(this.file)) return;
    const file = openSync(this.file, "r");
    const chunk = Buffer.alloc(CHUNK_BYTES);
    try {
      for (;;) {
        const bytes = readSync(file, chunk, 0, CHUNK_BYTES, this.offset);
        const end = chunk.subarray(0, bytes).lastIndexOf(0x0a) + 1;
        if (end === 0) return;
        this.offset += end;
        for (const line of chunk.toString("utf8", 0, end - 1).split("\n")) take(line);
      }
    } finally {
      closeSync(file);
    }
  }
}
