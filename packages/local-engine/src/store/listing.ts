import type { Connection, Statement } from "./connection.js";
import type { Bucket, RunRecord } from "./records.js";
import { type RunRow, runOf } from "./run-rows.js";

/** Where a page begins: after so many, or after the run that has this key. */
export type Place = { readonly offset: number } | { readonly key: number };

/** Above every key. */
const BEFORE_ALL = Number.MAX_SAFE_INTEGER;

/** Pages of runs, newest first. Every run of an id is listed. A page after a key is found in the same time wherever it is. */
export class Listing {
  private readonly all: Statement<RunRow>;
  private readonly inBucket: Statement<RunRow>;

  constructor(db: Connection) {
    this.all = db.prepare("SELECT * FROM runs WHERE namespace = ? AND id < ? ORDER BY id DESC LIMIT ? OFFSET ?");
    this.inBucket = db.prepare(
      "SELECT * FROM runs WHERE namespace = ? AND bucket = ? AND id < ? ORDER BY id DESC LIMIT ? OFFSET ?",
    );
  }

  page(namespace: string, bucket: Bucket | undefined, limit: number, place: Place): readonly RunRecord[] {
    const [before, offset] = "key" in place ? [place.key, 0] : [BEFORE_ALL, place.offset];
    const rows =
      bucket === undefined
        ? this.all.all(namespace, before, limit, offset)
        : this.inBucket.all(namespace, bucket, before, limit, offset);
    return rows.map(runOf);
  }
}
