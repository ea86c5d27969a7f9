import type { Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";
import type { EventRecord, EventType } from "./records.js";

interface EventRow {
  readonly sequence: number;
  readonly type: EventType;
  readonly at: number;
  readonly data: string;
}

/** The rows of `events`. */
export class History {
  private readonly insert: Statement<never>;
  private readonly select: Statement<EventRow>;

  constructor(db: Connection) {
    this.insert = db.prepare("INSERT INTO events (run, sequence, type, at, data) VALUES (?, ?, ?, ?, ?)");
    this.select = db.prepare(
      "SELECT sequence, type, at, data FROM events WHERE run = ? AND sequence > ? ORDER BY sequence LIMIT ?",
    );
  }

  append(run: number, sequence: number, type: EventType, at: Micros, data: EventRecord["data"]): void {
    this.insert.run(run, sequence, type, at, JSON.stringify(data));
  }

  /** Those of a run that follow one of its events, in order. */
  after(run: number, event: number, limit: number): readonly EventRecord[] {
    return this.select.all(run, event, limit).map(({ sequence, type, at, data }) => ({
      sequence,
      type,
      at,
      data: JSON.parse(data) as EventRecord["data"],
    }));
  }
}
