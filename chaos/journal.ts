// What the client notes, one line each:
//   B index                                begun
//   A index runId at tookMs                the start is acknowledged
//   E index kind type attempts at          the end, as it was told
//   R index what code                      a call that had to be made again
//   X index message                        what could not be followed
// A segment begins with what was open when it was begun (O index [runId]) and then S begun; what is before it is not needed to
// go on. Each life of the client begins one, so that a line that a kill has cut is the last of its segment.
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const SEGMENT_LINES = 150_000;

/** The files of a journal, in their order. */
export function segmentsOf(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => /^journal-\d+\.log$/.test(name))
    .toSorted()
    .map((name) => join(folder, name));
}

/** What is open: run ids by index, undefined for a start that is not acknowledged. */
export type Open = Map<number, string | undefined>;

/** The journal of a client that may be killed at any time, and that goes on where it was. */
export class Journal {
  readonly open: Open = new Map();
  /** Indexes below it have been begun. */
  begun = 0;
  private readonly folder: string;
  private file = -1;
  private lines = 0;
  private segment: number;

  constructor(folder: string) {
    this.folder = folder;
    const segments = segmentsOf(folder);
    this.segment = segments.length;
    const texts: string[] = [];
    for (const name of segments.toReversed()) {
      const text = readFileSync(name, "utf8");
      texts.unshift(text);
      if (/^S \d+\n/m.test(text)) break;
    }
    for (const text of texts) for (const line of text.split("\n").slice(0, -1)) this.take(line);
    this.begin();
  }

  note(...words: readonly (string | number)[]): void {
    const line = words.join(" ");
    this.take(line);
    writeSync(this.file, `${line}\n`);
    if (++this.lines >= SEGMENT_LINES) this.begin();
  }

  private take(line: string): void {
    const [word, number, runId] = line.split(" ");
    const index = Number(number);
    if (word === "B") this.begun = Math.max(this.begun, index + 1);
    if (word === "S") this.begun = Math.max(this.begun, index);
    if (word === "B") this.open.set(index, undefined);
    else if (word === "A" || word === "O") this.open.set(index, runId);
    else if (word === "E") this.open.delete(index);
  }

  private begin(): void {
    if (this.file !== -1) closeSync(this.file);
    this.lines = 0;
    this.file = openSync(join(this.folder, `journal-${String(this.segment++).padStart(6, "0")}.log`), "wx");
    const open = Array.from(this.open, ([index, runId]) => `O ${index}${runId === undefined ? "" : ` ${runId}`}\n`);
    writeSync(this.file, `${open.join("")}S ${this.begun}\n`);
  }
}

const STOP = "stop-starting";

/** A file that tells every life of the client to start no more. */
export const stopFile = (folder: string): string => join(folder, STOP);
export const isStopped = (folder: string): boolean => existsSync(stopFile(folder));
