import type { Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";
import type { NamespaceRecord } from "./records.js";

interface NamespaceRow {
  readonly name: string;
  readonly description: string | null;
  readonly created_at: number;
}

interface DrainRow {
  readonly namespace: string;
  readonly task_queue: string;
  readonly since: number;
}

/** Namespaces, and the queues of them that take no new work. */
export class Namespaces {
  private readonly insert: Statement<never>;
  private readonly select: Statement<NamespaceRow>;
  private readonly selectAll: Statement<NamespaceRow>;
  private readonly insertDrain: Statement<never>;
  private readonly deleteDrain: Statement<never>;
  private readonly selectDrains: Statement<DrainRow>;
  /** All that are drained, by namespace and queue; undefined where that is to be read. */
  private drained: ReadonlyMap<string, ReadonlyMap<string, Micros>> | undefined;

  constructor(db: Connection) {
    this.insert = db.prepare("INSERT INTO namespaces VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    this.select = db.prepare("SELECT * FROM namespaces WHERE name = ?");
    this.selectAll = db.prepare("SELECT * FROM namespaces ORDER BY name");
    this.insertDrain = db.prepare("INSERT INTO drained_queues VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    this.deleteDrain = db.prepare("DELETE FROM drained_queues WHERE namespace = ? AND task_queue = ?");
    this.selectDrains = db.prepare("SELECT * FROM drained_queues");
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
    this.forget();
    this.insertDrain.run(namespace, queue, now);
  }

  resume(namespace: string, queue: string): void {
    this.forget();
    this.deleteDrain.run(namespace, queue);
  }

  /** Since when the queue takes no new work, or undefined. */
  drainedSince(namespace: string, queue: string): Micros | undefined {
    return (this.drained ??= this.readDrained()).get(namespace)?.get(queue);
  }

  /** Something that was written is undone: nothing is known without reading it. */
  forget(): void {
    this.drained = undefined;
  }

  private readDrained(): ReadonlyMap<string, ReadonlyMap<string, Micros>> {
    const drained = new Map<string, Map<string, Micros>>();
    for (const { namespace, task_queue, since } of this.selectDrains.iterate()) {
      const queues = drained.get(namespace) ?? new Map<string, Micros>();
      drained.set(namespace, queues.set(task_queue, since));
    }
    return drained;
  }
}

function namespaceOf(row: NamespaceRow): NamespaceRecord {
  return { name: row.name, description: row.description, createdAt: row.created_at };
}
