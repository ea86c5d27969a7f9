import { PROTOCOL_VERSION, REPORTS_ENDPOINT, TASK_BATCHES_SCHEMA } from "@durable-workflow/engine-protocol";
import { verbOf } from "@durable-workflow/test-support/engine-calls";
import type { StopSignal } from "../../src/time/call-off.js";
import type { VirtualTime } from "./virtual-time.js";

/** What is asked of the engine, counted in each second of virtual time. */
export type Verb = "cluster_info" | "register" | "worker_heartbeat" | "poll" | "complete" | "reports" | "other";

export interface ModelRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly signal: StopSignal | undefined;
}

export interface ModelAnswer {
  readonly status: number;
  readonly body: object;
  /** Its media type. Default: JSON. */
  readonly type?: string;
}

interface QueuedTask {
  readonly id: string;
  readonly queue: string;
  readonly startedAt: number;
}

interface HeldPoll {
  readonly answer: (tasks: readonly QueuedTask[]) => void;
}

export interface ModelOptions {
  readonly time: VirtualTime;
  readonly longPollSeconds: number;
  /** How long an answer takes at least, there and back. */
  readonly latencyMs: number;
  readonly leaseMs: number;
  /** How many tasks it hands out in one answer, and outcomes it takes in one request; undefined where one by one. */
  readonly batch: number | undefined;
  /** What it asks of registrations; undefined where it says nothing. */
  readonly heartbeatSeconds: number | undefined;
}

/** A queue's tasks, as far as they came to an end. */
export interface Served {
  readonly queue: string;
  readonly at: number;
  readonly waitedMs: number;
}

/** An engine without wire or disk: queues, held polls first come, first served, and a count of all that is asked of it. */
export class ModelEngine {
  /** By second, then by verb. */
  readonly asked: Map<Verb, number>[] = [];
  readonly served: Served[] = [];
  /** `refuses`: no connection can be made; `silent`: they can, and nothing is answered. */
  outage: "none" | "refuses" | "silent" = "none";
  private readonly options: ModelOptions;
  private readonly queues = new Map<string, { readonly tasks: QueuedTask[]; readonly polls: Set<HeldPoll> }>();
  private readonly registered = new Set<string>();
  private readonly leased = new Map<string, QueuedTask>();
  private readonly broken = new Set<(error: Error) => void>();
  private tasks = 0;

  constructor(options: ModelOptions) {
    this.options = options;
  }

  get heldPolls(): number {
    return [...this.queues.values()].reduce((sum, { polls }) => sum + polls.size, 0);
  }

  /** A task comes to a queue. */
  add(name: string): void {
    const queue = this.queue(name);
    const task = { id: `task-${this.tasks++}`, queue: name, startedAt: this.options.time.monotonic() };
    const [poll] = queue.polls;
    if (poll === undefined || this.outage !== "none") queue.tasks.push(task);
    else {
      queue.polls.delete(poll);
      poll.answer([task]);
    }
  }

  /** Goes down: what is under way breaks, or is never answered. */
  fail(outage: "refuses" | "silent"): void {
    this.outage = outage;
    for (const { polls } of this.queues.values()) polls.clear();
    if (outage === "refuses") for (const fail of this.broken) fail(connectionError("ECONNRESET"));
    this.broken.clear();
  }

  recover(): void {
    this.outage = "none";
  }

  /** Rejects as a connection does. */
  request({ method, path, body, signal }: ModelRequest): Promise<ModelAnswer> {
    const verb = verbOf(method, path);
    this.count(verb);
    return new Promise((resolve, reject) => {
      const { time, latencyMs } = this.options;
      const fail = (error: Error): void => {
        this.broken.delete(fail);
        reject(error);
      };
      signal?.addEventListener("abort", () => fail(new DOMException("aborted", "AbortError")), { once: true });
      if (this.outage === "refuses") {
        time.schedule(latencyMs, () => fail(connectionError("ECONNREFUSED")));
        return;
      }
      if (this.outage === "silent") return;
      this.broken.add(fail);
      const answer = (status: number, said: object): void => {
        time.schedule(latencyMs, () => {
          // What broke meanwhile has been told so.
          if (!this.broken.delete(fail)) return;
          resolve({ status, body: { ...said, ...this.always() } });
        });
      };
      this.answer(
        verb,
        path,
        JSON.parse(body === "" ? "{}" : body) as Readonly<Record<string, unknown>>,
        signal,
        answer,
      );
    });
  }

  private answer(
    verb: string,
    path: string,
    body: Readonly<Record<string, unknown>>,
    signal: StopSignal | undefined,
    answer: (status: number, body: object) => void,
  ): void {
    const workerId = String(body["worker_id"]);
    const { heartbeatSeconds } = this.options;
    const cadence = heartbeatSeconds === undefined ? {} : { heartbeat_interval_seconds: heartbeatSeconds };
    switch (verb) {
      case "cluster_info":
        answer(200, { worker_protocol: { version: PROTOCOL_VERSION } });
        return;
      case "register":
        this.registered.add(workerId);
        answer(201, { worker_id: workerId, registered: true, ...cadence });
        return;
      case "worker_heartbeat":
        answer(200, { worker_id: workerId, acknowledged: true, ...cadence });
        return;
      case "poll":
        this.poll(body, workerId, signal, answer);
        return;
      case "complete":
        this.complete(decodeURIComponent(path.split("/").at(-2) ?? ""), answer);
        return;
      case "reports": {
        const reports: object[] = [];
        for (const { task_id: id } of body["reports"] as readonly { readonly task_id: string }[]) {
          this.complete(id, (status, said) => reports.push({ status, body: said }));
        }
        answer(200, { reports });
        return;
      }
      default:
        answer(404, { reason: "not_found" });
    }
  }

  private poll(
    body: Readonly<Record<string, unknown>>,
    workerId: string,
    signal: StopSignal | undefined,
    answer: (status: number, body: object) => void,
  ): void {
    if (!this.registered.has(workerId)) {
      answer(412, { reason: "worker_not_registered" });
      return;
    }
    const queue = this.queue(String(body["task_queue"]));
    const finish = (tasks: readonly QueuedTask[]): void => {
      takeBack();
      for (const task of tasks) this.leased.set(task.id, task);
      const [task = null, ...more] = tasks.map((each) => this.leasedTask(each, workerId));
      const several = most === 1 ? {} : { more_tasks: more, has_more: queue.tasks.length > 0 };
      answer(200, { task, ...several, poll_status: task === null ? "empty" : "leased" });
    };
    const most = Number(body["max_tasks"] ?? 1);
    const { time, longPollSeconds } = this.options;
    const poll: HeldPoll = { answer: finish };
    const takeBack = time.schedule(Math.min(Number(body["timeout_seconds"]), longPollSeconds) * 1000, () => {
      if (queue.polls.delete(poll)) finish([]);
    });
    const tasks = queue.tasks.splice(0, most);
    if (tasks.length > 0) {
      finish(tasks);
      return;
    }
    queue.polls.add(poll);
    signal?.addEventListener("abort", () => queue.polls.delete(poll), { once: true });
  }

  private complete(taskId: string, answer: (status: number, body: object) => void): void {
    const task = this.leased.get(taskId);
    if (task === undefined) {
      answer(404, { reason: "task_not_found", task_id: taskId });
      return;
    }
    this.leased.delete(taskId);
    const at = this.options.time.monotonic();
    this.served.push({ queue: task.queue, at, waitedMs: at - task.startedAt });
    answer(200, { task_id: taskId, outcome: "completed", recorded: true });
  }

  private leasedTask({ id, queue }: QueuedTask, workerId: string): object {
    return {
      task_id: id,
      workflow_id: `workflow-${id}`,
      run_id: `run-${id}`,
      activity_execution_id: `execution-${id}`,
      activity_attempt_id: `ATTEMPT-${id}`,
      idempotency_key: `execution-${id}`,
      attempt_number: 1,
      activity_type: `run.${queue}`,
      payload_codec: "avro",
      retry_policy: {
        snapshot_version: 1,
        max_attempts: 1,
        backoff_seconds: [0],
        start_to_close_timeout: null,
        schedule_to_start_timeout: null,
        schedule_to_close_timeout: null,
        heartbeat_timeout: null,
        non_retryable_error_types: [],
      },
      task_queue: queue,
      lease_owner: workerId,
      lease_expires_at: new Date(this.options.time.now() + this.options.leaseMs).toISOString().replace("Z", "000Z"),
      deadlines: {},
    };
  }

  private always(): object {
    const { batch, longPollSeconds } = this.options;
    const batches = {
      supported: true,
      schema: TASK_BATCHES_SCHEMA,
      max_tasks: batch,
      reports_endpoint: REPORTS_ENDPOINT,
      max_reports: batch,
      max_reports_bytes: 100_000,
    };
    return {
      protocol_version: PROTOCOL_VERSION,
      server_capabilities: {
        long_poll_timeout: longPollSeconds,
        ...(batch === undefined ? {} : { activity_task_batches: batches }),
      },
    };
  }

  private queue(name: string): { readonly tasks: QueuedTask[]; readonly polls: Set<HeldPoll> } {
    let queue = this.queues.get(name);
    if (queue === undefined) {
      queue = { tasks: [], polls: new Set() };
      this.queues.set(name, queue);
    }
    return queue;
  }

  private count(verb: string): void {
    const second = Math.floor(this.options.time.monotonic() / 1000);
    let counts = this.asked[second];
    if (counts === undefined) {
      counts = new Map();
      this.asked[second] = counts;
    }
    const name = KNOWN.has(verb) ? (verb as Verb) : "other";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
}

const KNOWN: ReadonlySet<string> = new Set([
  "cluster_info",
  "register",
  "worker_heartbeat",
  "poll",
  "complete",
  "reports",
]);

function connectionError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
