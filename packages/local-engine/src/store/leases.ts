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
  readonly namespace: string;
  readonly owner: string;
  /** Of the poll that it was given to; undefined where that had no id. */
  readonly poll: string | undefined;
}

interface Held {
  /** By their runs. */
  readonly leases: Map<number, Lease>;
  /** The runs that polls were given, by the ids of these. */
  readonly polls: Map<string, number[]>;
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
    if (lease.poll === undefined) return;
    const rest = this.held.polls.get(lease.poll)?.filter((other) => other !== run) ?? [];
    if (rest.length === 0) this.held.polls.delete(lease.poll);
    else this.held.polls.set(lease.poll, rest);
  }

  /** Something that was written is undone: nothing is known without reading it. */
  forget(): void {
    this.held = undefined;
  }

  /** The runs that a poll of this id was given and that are leased out still, in their order. */
  ofPoll(pollRequestId: string, owner: string, namespace: string, queue: string): readonly number[] {
    return inOrder(this.all().polls.get(pollKey(pollRequestId, owner, namespace, queue)) ?? NONE);
  }

  /** The runs that a worker of a namespace holds a lease of, in their order. */
  heldBy(namespace: string, owner: string): readonly number[] {
    const runs: number[] = [];
    for (const [run, lease] of this.all().leases) {
      if (lease.owner === owner && lease.namespace === namespace) runs.push(run);
    }
    return inOrder(runs);
  }

  private all(): Held {
    if (this.held !== undefined) return this.held;
    const held: Held = { leases: new Map(), polls: new Map() };
    for (const row of this.select.iterate()) {
      add(held, row.id, row.namespace, row.task_queue, row.lease_owner, row.poll_request_id);
    }
    return (this.held = held);
  }
}

function add(
  { leases, polls }: Held,
  run: number,
  namespace: string,
  queue: string,
  owner: string,
  pollRequestId: string | null,
): void {
  const poll = pollRequestId === null ? undefined : pollKey(pollRequestId, owner, namespace, queue);
  leases.set(run, { namespace, owner, poll });
  if (poll === undefined) return;
  const runs = polls.get(poll);
  if (runs === undefined) polls.set(poll, [run]);
  else runs.push(run);
}

const NONE: readonly number[] = [];

function inOrder(runs: readonly number[]): readonly number[] {
  return runs.length < 2 ? runs : runs.toSorted((one, other) => one - other);
}

/** Names may hold any character: their lengths tell where each ends. */
function pollKey(pollRequestId: string, owner: string, namespace: string, queue: string): string {
  return `${namespace.length} ${queue.length} ${owner.length} ${namespace}${queue}${owner}${pollRequestId}`;
}
