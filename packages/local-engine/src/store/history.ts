import type { Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";
import type { EventRecord, EventType } from "./records.js";

interface EventRow {
  readonly sequence: number;
  readonly type: EventType;
  readonly at: number;
  readonly data: string;
}

/** Characters that are read at once. */
export const LONGEST_READ = 2_097_152;

/** The rows of `events`. */
export class History {
  private readonly insert: Statement<never>;
  private readonly overwrite: Statement<never>;
  private readonly select: Statement<EventRow>;

  constructor(db: Connection) {
    this.insert = db.prepare("INSERT INTO events (run, sequence, type, at, data) VALUES (?, ?, ?, ?, ?)");
    this.overwrite = db.prepare(
      "UPDATE events SET at = ?, data = ? WHERE run = ? AND type = 'ActivityHeartbeatRecorded' AND sequence = (SELECT max(sequence) FROM events WHERE run = ?)",
    );
    this.select = db.prepare(
      "SELECT sequence, type, at, data FROM events WHERE run = ? AND sequence > ? ORDER BY sequence LIMIT ?",
    );
  }

  append(run: number, sequence: number, type: EventType, at: Micros, data: EventRecord["data"]): void {
    this.insert.run(run, sequence, type, at, JSON.stringify(data));
  }

  /** Writes over the heartbeat that is the newest event of a run. */
  replaceHeartbeat(run: number, at: Micros, data: EventRecord["data"]): void {
    this.overwrite.run(at, JSON.stringify(data), run, run);
  }

  /** Those of a run that follow one of its events, in order; fewer where they are long, but one if there is one. */
  after(run: number, event: number, limit: number): readonly EventRecord[] {
    const events: EventRecord[] = [];
    let length = 0;
    for (const { sequence, type, at, data } of this.select.iterate(run, event, limit)) {
      events.push({ sequence, type, at, data: JSON.parse(data) as EventRecord["data"] });
      length += data.length;
      if (length > LONGEST_READ) break;
    }
    return events;
  }
}
