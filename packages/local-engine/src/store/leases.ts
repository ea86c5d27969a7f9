import type { Connection, Statement } from "./connection.js";
import type { RunRecord } from "./records.js";

interface LeasedRow {
  readonly id: number;
  readonly namespace: string;
  readonly task_queue: string;
  readonly lease_owner: string;
  readonly poll_request_id: string | null;
}

export const LEASED_SQL =
  "SELECT id, namespace, task_queue, lease_owner, poll_request_id FROM runs WHERE task_status = 'leased' ORDER BY leased_at, id";

interface Lease {
  readonly namespace: string;
  readonly owner: string;
  /** Of the poll that it was given to; undefined where that had no id. */
  readonly poll: string | undefined;
}

interface Held {
  /** By their runs. */
  readonly leases: Map<number, Lease>;
  /** The runs that polls were given, by their ids. */
  readonly polls: Map<string, number>;
  /** Whether a poll was given several: once its lease had run out, and was not taken back yet. */
  hasRepeats: boolean;
}

/** The leases that are out: all of them, in memory, read from the database when they are asked for after a {@link forget}. */
export class Leases {
  private readonly select: Statement<LeasedRow>;
  private held: Held | undefined;

  constructor(db: Connection) {
    this.select = db.prepare(LEASED_SQL);
  }

  /** A run was leased out, in the database as well. */
  begun({ key, namespace, taskQueue, state }: RunRecord, pollRequestId: string | null): void {
    if (this.held !== undefined) add(this.held, key, namespace, taskQueue, state.task.leaseOwner ?? "", pollRequestId);
  }

  /** The lease of a run is over, in the database as well. */
  ended(run: number): void {
    const lease = this.held?.leases.get(run);
    if (lease === undefined || this.held === undefined) return;
    this.held.leases.delete(run);
    if (lease.poll === undefined || this.held.polls.get(lease.poll) !== run) return;
    this.held.polls.delete(lease.poll);
    if (this.held.hasRepeats) this.forget();
  }

  /** Something that was written is undone: nothing is known without reading it. */
  forget(): void {
    this.held = undefined;
  }

  /** The run that a poll of this id was given, the newest of them, while it is leased out. */
  ofPoll(pollRequestId: string, owner: string, namespace: string, queue: string): number | undefined {
    return this.all().polls.get(pollKey(pollRequestId, owner, namespace, queue));
  }

  /** The runs that a worker of a namespace holds a lease of, in their order. */
  heldBy(namespace: string, owner: string): readonly number[] {
    const runs: number[] = [];
    for (const [run, lease] of this.all().leases) {
      if (lease.owner === owner && lease.namespace === namespace) runs.push(run);
    }
    return runs.toSorted((one, other) => one - other);
  }

  private all(): Held {
    if (this.held !== undefined) return this.held;
    const held: Held = { leases: new Map(), polls: new Map(), hasRepeats: false };
    for (const row of this.select.iterate()) {
      add(held, row.id, row.namespace, row.task_queue, row.lease_owner, row.poll_request_id);
    }
    return (this.held = held);
  }
}

function add(
  held: Held,
  run: number,
  namespace: string,
  queue: string,
  owner: string,
  pollRequestId: string | null,
): void {
  const poll = pollRequestId === null ? undefined : pollKey(pollRequestId, owner, namespace, queue);
  held.leases.set(run, { namespace, owner, poll });
  if (poll === undefined) return;
  if (held.polls.has(poll)) held.hasRepeats = true;
  held.polls.set(poll, run);
}

/** Names may hold any character: their lengths tell where each ends. */
function pollKey(pollRequestId: string, owner: string, namespace: string, queue: string): string {
  return `${namespace.length} ${queue.length} ${owner.length} ${namespace}${queue}${owner}${pollRequestId}`;
}
