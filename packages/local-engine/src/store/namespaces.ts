import type { Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";
import type { NamespaceRecord } from "./records.js";

interface NamespaceRow {
  readonly name: string;
  readonly description: string | null;
  readonly created_at: number;
}

/** Namespaces, and the queues of them that take no new work. */
export class Namespaces {
  private readonly insert: Statement<never>;
  private readonly select: Statement<NamespaceRow>;
  private readonly selectAll: Statement<NamespaceRow>;
  private readonly insertDrain: Statement<never>;
  private readonly deleteDrain: Statement<never>;
  private readonly selectDrain: Statement<{ since: number }>;

  constructor(db: Connection) {
    this.insert = db.prepare("INSERT INTO namespaces VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    this.select = db.prepare("SELECT * FROM namespaces WHERE name = ?");
    this.selectAll = db.prepare("SELECT * FROM namespaces ORDER BY name");
    this.insertDrain = db.prepare("INSERT INTO drained_queues VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    this.deleteDrain = db.prepare("DELETE FROM drained_queues WHERE namespace = ? AND task_queue = ?");
    this.selectDrain = db.prepare("SELECT since FROM drained_queues WHERE namespace = ? AND task_queue = ?");
  }

  /** Leaves one that is there as it is. */
  ensure(name: string, description: string | null, now: Micros): void {
    this.insert.run(name, description, now);
  }

  get(name: string): NamespaceRecord | undefined {
    const row = this.select.get(name);
    return row === undefined ? undefined : namespaceOf(row);
  }

  list(): readonly NamespaceRecord[] {
    return this.selectAll.all().map(namespaceOf);
  }

  drain(namespace: string, queue: string, now: Micros): void {
    this.insertDrain.run(namespace, queue, now);
  }

  resume(namespace: string, queue: string): void {
    this.deleteDrain.run(namespace, queue);
  }

  /** Since when the queue takes no new work, or undefined. */
  drainedSince(namespace: string, queue: string): Micros | undefined {
    return this.selectDrain.get(namespace, queue)?.since;
  }
}

function namespaceOf(row: NamespaceRow): NamespaceRecord {
  return { name: row.name, description: row.description, createdAt: row.created_at };
}
