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
  "SELECT id, namespace, task_queue, lease_owner, poll_request_id FROM runs WHERE task_status = 'leased' ORDER BY id";

interface Lease {
  readonly run: number;
  readonly namespace: string;
  readonly queue: string;
  readonly owner: string;
  readonly pollRequestId: string | null;
}

interface Held {
  /** By their runs. */
  readonly leases: Map<number, Lease>;
  /** By the ids of the polls that they were given to: other workers may use the same. */
  readonly polls: Map<string, Lease[]>;
}

/** The leases that are out: all of them, in memory, read from the database when they are asked for after a {@link forget}. */
export class Leases {
  private readonly select: Statement<LeasedRow>;
  private held: Held | undefined;

  constructor(db: Connection) {
    this.select = db.prepare(LEASED_SQL);
  }

  /** A run was leased out, in the database as well. */
  begun({ key: run, namespace, taskQueue: queue, state }: RunRecord, pollRequestId: string | null): void {
    if (this.held !== undefined) {
      add(this.held, { run, namespace, queue, owner: state.task.leaseOwner ?? "", pollRequestId });
    }
  }

  /** The lease of a run is over, in the database as well. */
  ended(run: number): void {
    const lease = this.held?.leases.get(run);
    if (lease === undefined || this.held === undefined) return;
    this.held.leases.delete(run);
    const { pollRequestId } = lease;
    if (pollRequestId === null) return;
    const rest = this.held.polls.get(pollRequestId)?.filter((other) => other !== lease) ?? [];
    if (rest.length === 0) this.held.polls.delete(pollRequestId);
    else this.held.polls.set(pollRequestId, rest);
  }

  /** Something that was written is undone: nothing is known without reading it. */
  forget(): void {
    this.held = undefined;
  }

  /** The runs that a poll of this id was given and that are leased out still, in their order. */
  ofPoll(pollRequestId: string, owner: string, namespace: string, queue: string): readonly number[] {
    const given = this.all().polls.get(pollRequestId) ?? [];
    return inOrder(
      given.flatMap((lease) =>
        lease.owner === owner && lease.namespace === namespace && lease.queue === queue ? [lease.run] : [],
      ),
    );
  }

  /** The runs that a worker of a namespace holds a lease of, in their order. */
  heldBy(namespace: string, owner: string): readonly number[] {
    const runs: number[] = [];
    for (const [run, lease] of this.all().leases) {
      if (lease.owner === owner && lease.namespace === namespace) runs.push(run);
    }
    return inOrder(runs);
  }

  /** How many each worker of a namespace holds. */
  countsOf(namespace: string): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const lease of this.all().leases.values()) {
      if (lease.namespace === namespace) counts.set(lease.owner, (counts.get(lease.owner) ?? 0) + 1);
    }
    return counts;
  }

  private all(): Held {
    if (this.held !== undefined) return this.held;
    const held: Held = { leases: new Map(), polls: new Map() };
    for (const row of this.select.iterate()) {
      const { id: run, namespace, task_queue: queue, lease_owner: owner, poll_request_id: pollRequestId } = row;
      add(held, { run, namespace, queue, owner, pollRequestId });
    }
    return (this.held = held);
  }
}

function add({ leases, polls }: Held, lease: Lease): void {
  leases.set(lease.run, lease);
  if (lease.pollRequestId === null) return;
  const given = polls.get(lease.pollRequestId);
  if (given === undefined) polls.set(lease.pollRequestId, [lease]);
  else given.push(lease);
}

function inOrder(runs: readonly number[]): readonly number[] {
  return runs.length < 2 ? runs : runs.toSorted((one, other) => one - other);
}
