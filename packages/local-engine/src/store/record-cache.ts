/**
 * Records as they stand in the database, so that what this engine has just written need not be read back: it alone has the
 * file open. It is no state of its own. What is not here is read; what a transaction wrote and then undid is forgotten with
 * all the rest ({@link clear}), so that nothing can be here that the database does not hold.
 *
 * Beyond `limit` the record goes that came first.
 */
export class RecordCache<Key, Value> {
  private readonly records = new Map<Key, Value>();
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.records.size;
  }

  get(key: Key): Value | undefined {
    return this.records.get(key);
  }

  set(key: Key, value: Value): void {
    this.records.set(key, value);
    if (this.records.size <= this.limit) return;
    for (const oldest of this.records.keys()) {
      this.records.delete(oldest);
      return;
    }
  }

  delete(key: Key): void {
    this.records.delete(key);
  }

  clear(): void {
    this.records.clear();
  }
}
