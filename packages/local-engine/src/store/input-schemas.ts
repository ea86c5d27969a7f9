import type { Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";

/** What the arguments of an activity look like. */
export interface InputSchemaRecord {
  readonly taskQueue: string;
  readonly activityType: string;
  /** A JSON Schema of the list of them, as text. */
  readonly schema: string;
}

interface SchemaRow {
  readonly task_queue: string;
  readonly activity_type: string;
  readonly schema: string;
}

/** What workers have said of the arguments that their activities take, by namespace, task queue and type. */
export class InputSchemas {
  private readonly upsert: Statement<never>;
  private readonly deleteOne: Statement<never>;
  private readonly selectAll: Statement<SchemaRow>;
  private readonly selectOf: Statement<SchemaRow>;
  private readonly countAll: Statement<{ n: number }>;
  private readonly deleteOldest: Statement<never>;

  constructor(db: Connection) {
    this.upsert = db.prepare(
      "INSERT INTO input_schemas VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET schema = excluded.schema, told_at = excluded.told_at",
    );
    this.deleteOne = db.prepare(
      "DELETE FROM input_schemas WHERE namespace = ? AND task_queue = ? AND activity_type = ?",
    );
    const select = "SELECT task_queue, activity_type, schema FROM input_schemas WHERE namespace = ?";
    this.selectAll = db.prepare(`${select} ORDER BY told_at DESC, task_queue, activity_type`);
    this.selectOf = db.prepare(`${select} AND activity_type = ? ORDER BY told_at DESC, task_queue`);
    this.countAll = db.prepare("SELECT count(*) AS n FROM input_schemas");
    this.deleteOldest = db.prepare(
      "DELETE FROM input_schemas WHERE (namespace, task_queue, activity_type) IN (SELECT namespace, task_queue, activity_type FROM input_schemas ORDER BY told_at LIMIT ?)",
    );
  }

  save(namespace: string, { taskQueue, activityType, schema }: InputSchemaRecord, now: Micros): void {
    this.upsert.run(namespace, taskQueue, activityType, schema, now);
  }

  /** Nothing is known of it any more. */
  delete(namespace: string, taskQueue: string, activityType: string): void {
    this.deleteOne.run(namespace, taskQueue, activityType);
  }

  /**
   * Those told last first, as many as have so many characters together.
   *
   * @param activityType of this type alone; undefined for all
   */
  list(namespace: string, activityType: string | undefined, mostCharacters: number): readonly InputSchemaRecord[] {
    const rows =
      activityType === undefined ? this.selectAll.iterate(namespace) : this.selectOf.iterate(namespace, activityType);
    const found: InputSchemaRecord[] = [];
    let length = 0;
    for (const row of rows) {
      length += row.schema.length;
      if (length > mostCharacters) break;
      found.push({ taskQueue: row.task_queue, activityType: row.activity_type, schema: row.schema });
    }
    return found;
  }

  /** Forgets those told longest ago, so that at most `limit` are left. */
  keepAtMost(limit: number): void {
    const excess = (this.countAll.get()?.n ?? 0) - limit;
    if (excess > 0) this.deleteOldest.run(excess);
  }
}
