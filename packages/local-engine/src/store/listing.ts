import type { Connection, Statement } from "./connection.js";
import type { Bucket, RunRecord } from "./records.js";
import { type RunRow, runOf } from "./run-rows.js";

/** Pages of runs, newest first. Every run of an id is listed. */
export class Listing {
  private readonly all: Statement<RunRow>;
  private readonly inBucket: Statement<RunRow>;

  constructor(db: Connection) {
    this.all = db.prepare("SELECT * FROM runs WHERE namespace = ? ORDER BY id DESC LIMIT ? OFFSET ?");
    this.inBucket = db.prepare(
      "SELECT * FROM runs WHERE namespace = ? AND bucket = ? ORDER BY id DESC LIMIT ? OFFSET ?",
    );
  }

  page(namespace: string, bucket: Bucket | undefined, limit: number, offset: number): readonly RunRecord[] {
    const rows =
      bucket === undefined
        ? this.all.all(namespace, limit, offset)
        : this.inBucket.all(namespace, bucket, limit, offset);
    return rows.map(runOf);
  }
}
