import type { Connection, Statement } from "./connection.js";
import type { Bucket, RunRecord } from "./records.js";
import { type RunRow, runOf } from "./run-rows.js";

/** Above every key. */
const BEFORE_ALL = Number.MAX_SAFE_INTEGER;

/** Pages of runs, newest first. Every run of an id is listed. A page is found in the same time wherever it is. */
export class Listing {
  private readonly all: Statement<RunRow>;
  private readonly inBucket: Statement<RunRow>;

  constructor(db: Connection) {
    this.all = db.prepare("SELECT * FROM runs WHERE namespace = ? AND id < ? ORDER BY id DESC LIMIT ?");
    this.inBucket = db.prepare(
      "SELECT * FROM runs WHERE namespace = ? AND bucket = ? AND id < ? ORDER BY id DESC LIMIT ?",
    );
  }

  /** @param after the key of the run that the page before ended with; 0 for the first page */
  page(namespace: string, bucket: Bucket | undefined, limit: number, after: number): readonly RunRecord[] {
    const before = after === 0 ? BEFORE_ALL : after;
    const rows =
      bucket === undefined
        ? this.all.all(namespace, before, limit)
        : this.inBucket.all(namespace, bucket, before, limit);
    return rows.map(runOf);
  }
}
