import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, ServerResponse } from "node:http";
import {
  ERAS,
  FENCING_ENDPOINT,
  FENCING_SCHEMA,
  NAMESPACE_FIELD,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_FIELD,
  type Reason,
  speaks,
} from "@durable-workflow/engine-protocol";
import type {
  AttemptIds,
  DeregisterAnswer,
  IgnoredAnswer,
  LeaseRenewalAnswer,
  PollAnswer,
  PolledTask,
  RegisterAnswer,
  ReportAnswer,
  TaskHeartbeatAnswer,
  WorkerHeartbeatAnswer,
} from "@durable-workflow/engine-protocol/worker";
import { awakeClock } from "@durable-workflow/test-support/clock";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { PATIENCE_MS } from "@durable-workflow/test-support/patience";
import {
  type Activity,
  type ActivitySpec,
  type ActivityState,
  type Attempt,
  type Awaitable,
  type EngineCall,
  type EngineOptions,
  type EngineUnderTest,
  type Interference,
  type Json,
  type RecordedOutcome,
  seconds,
  verbOf,
  WORKER_TOKEN,
} from "./engine-under-test.js";
import type { PayloadTransport } from "./payload-transport.js";

/** What a refusal says: any reason of an engine, and what more goes with it. */
interface Refusal {
  readonly reason: Reason;
  readonly error?: string;
  readonly message?: string;
  readonly task_id?: string;
  readonly activity_attempt_id?: string;
  readonly lease_owner?: string;
  readonly supported_version?: string;
}

/** Every answer of the worker plane, held to the shared types. */
type Answer =
  | Refusal
  | RegisterAnswer
  | DeregisterAnswer
  | WorkerHeartbeatAnswer
  | PollAnswer
  | ReportAnswer
  | IgnoredAnswer
  | TaskHeartbeatAnswer
  | LeaseRenewalAnswer
  | { readonly worker_protocol: { readonly version: string }; readonly namespace?: Json };

type Teller = "cluster_info" | "register" | "poll";

const FENCING = {
  supported: true,
  schema: FENCING_SCHEMA,
  endpoint: FENCING_ENDPOINT,
  receipt_retention_seconds: 600,
} as const;

/** UTC with six digits, as newer engines write it. */
function exact(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}

/** What a scripted engine alone can say with a task, and times below a second. */
export interface ScriptedSpec extends ActivitySpec {
  readonly externalExecutor?: Json;
  readonly traceparent?: string;
  /** More fields of the task. */
  readonly more?: Json;
}

interface ScriptedAttempt extends Attempt {
  status: "running" | "completed" | "failed" | "superseded" | "cancelled";
}

/** An activity as the scripted engine keeps it. */
export interface Execution extends Activity {
  readonly spec: ScriptedSpec;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly attempts: ScriptedAttempt[];
  readonly outcomes: RecordedOutcome[];
  status: ActivityState;
  taskId: string;
  readyAt: number;
  owner: string;
  leaseExpiresAt: number;
  heartbeats: number;
  renewals: number;
}

interface Worker {
  readonly namespace: string;
  readonly taskQueue: string;
  readonly types: readonly string[];
  readonly body: Json;
  readonly token: string;
}

interface HeldPoll {
  readonly requestId: string;
  /** Repeats of it. */
  readonly followers: ((task: PolledTask | null) => void)[];
  readonly worker: Worker;
  readonly workerId: string;
  readonly answer: (task: PolledTask | null) => void;
}

export interface ScriptedEngineOptions extends EngineOptions {
  readonly version?: string;
  /** Whether a repeated poll is answered alike. Default: for versions after 1.0. */
  readonly idempotentPolls?: boolean;
  /** Added to its `Date` headers alone, as by a proxy whose clock is wrong. */
  readonly headerSkewMs?: number;
  /** Whether answers say its own time (`server_time`). */
  readonly tellsTime?: boolean;
  /** Whether tasks come with leases that are over already. */
  readonly leasesAreOver?: boolean;
  /** Its large payloads. Default: none. */
  readonly payloads?: PayloadTransport | undefined;
  /** Whether leases are kept by `renew-lease`, and whose answers say so. Default: none, and it has no such route. */
  readonly renewal?: readonly ("cluster_info" | "register" | "poll")[];
  /** Whether registrations have tokens, and end by them. Default false. */
  readonly fencing?: boolean;
  /**
   * Whether it notices that nobody waits for a poll any more. Default true. One that does not holds a repeat until the poll that
   * it repeats has ended, and leases to that one meanwhile.
   */
  readonly noticesLeaving?: boolean;
  /** How often registrations are to be heard of; said where they register, and in each heartbeat. Default: not said. */
  readonly heartbeatSeconds?: number | null;
}

/**
 * An engine in memory that keeps to the worker protocol: registration, held polls, leases that run out, retries under new
 * task ids, ownership checks, cancellation. It keeps every outcome it has taken.
 */
export class ScriptedEngine implements EngineUnderTest {
  readonly executions = new Map<string, Execution>();
  readonly workers = new Map<string, Worker>();
  readonly calls: EngineCall[] = [];
  /** Whether calls are kept. */
  keepCalls = true;
  interfere: Interference = () => undefined;
  private readonly options: Required<ScriptedEngineOptions>;
  private readonly tasks = new Map<string, Execution>();
  private readonly byAttempt = new Map<string, { execution: Execution; attempt: ScriptedAttempt }>();
  private readonly held = new Set<HeldPoll>();
  private readonly polls = new Map<string, PolledTask | null>();
  private readonly receipts = new Map<string, string>();
  private ready: Execution[] = [];
  private server: Loopback | undefined;
  private timer: NodeJS.Timeout | undefined;
  private waiters: (() => void)[] = [];
  private nextId = 1;

  constructor(options: ScriptedEngineOptions = {}) {
    const version = options.version ?? PROTOCOL_VERSION;
    this.options = {
      version,
      token: WORKER_TOKEN,
      leaseMs: 300_000,
      longPollMs: 1_000,
      skewMs: 0,
      headerSkewMs: 0,
      tellsTime: false,
      leasesAreOver: false,
      payloads: undefined,
      renewal: [],
      fencing: false,
      noticesLeaving: true,
      heartbeatSeconds: null,
      idempotentPolls: speaks(version, "pollRequests"),
      ...options,
    };
  }

  async start(): Promise<string> {
    const server = createServer((request, response) => {
      void this.receive(request, response);
    });
    server.keepAliveTimeout = 60_000;
    this.server = await listen(server);
    this.timer = setInterval(() => this.sweep(), 20);
    return this.server.url;
  }

  get url(): string {
    return this.server?.url ?? "";
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    for (const poll of this.held) poll.answer(null);
    await this.server?.close();
  }

  now(): number {
    return awakeClock.now() + this.options.skewMs;
  }

  /** Of each answer: by the clock of this process's engine, which is behind the machine's when the process has stood still. */
  private date(): string {
    return new Date(this.now() + this.options.headerSkewMs).toUTCString();
  }

  /** Schedules an activity. */
  schedule(spec: ScriptedSpec): Execution {
    const number = String(this.nextId++).padStart(6, "0");
    const execution: Execution = {
      id: `execution-${number}`,
      spec,
      workflowId: `workflow-${number}`,
      namespace: spec.namespace ?? "default",
      taskQueue: spec.taskQueue ?? "lamps",
      attempts: [],
      outcomes: [],
      status: "pending",
      taskId: `task-${number}-1`,
      readyAt: 0,
      owner: "",
      leaseExpiresAt: 0,
      heartbeats: 0,
      renewals: 0,
    };
    this.executions.set(execution.id, execution);
    this.tasks.set(execution.taskId, execution);
    this.ready.push(execution);
    this.serve();
    return execution;
  }

  cancel(activity: Activity): void {
    this.close(activity, "cancelled");
  }

  terminate(activity: Activity): void {
    this.close(activity, "terminated");
  }

  private close({ id }: Activity, status: "cancelled" | "terminated"): void {
    const execution = this.executions.get(id);
    if (execution === undefined) throw new Error(`${id} is not this engine's`);
    execution.status = status;
    const attempt = execution.attempts.at(-1);
    if (attempt?.status === "running") attempt.status = "cancelled";
    this.changed();
  }

  list(namespace = "default"): readonly Execution[] {
    return [...this.executions.values()].filter((execution) => execution.namespace === namespace);
  }

  workerIds(): readonly string[] {
    return [...this.workers.keys()];
  }

  forgetWorkers(): void {
    this.workers.clear();
  }

  /** Nothing to do: what is seen of an activity is the activity itself. */
  refresh(): void {}

  /** Resolves once the condition holds; it is looked at whenever something changes. */
  async until(condition: () => Awaitable<boolean>, what = "the engine's state"): Promise<void> {
    const since = performance.now();
    while (!(await condition())) {
      if (performance.now() - since > 2 * PATIENCE_MS) throw new Error(`${what} did not come about`);
      await new Promise<void>((resolve) => {
        this.waiters.push(resolve);
        setTimeout(resolve, 50).unref();
      });
    }
  }

  untilStatus(execution: Activity, ...statuses: readonly ActivityState[]): Promise<void> {
    return this.until(() => statuses.includes(execution.status), `${execution.id} ${statuses.join(" or ")}`);
  }

  callsOf(verb: string): readonly EngineCall[] {
    return this.calls.filter((call) => call.verb === verb);
  }

  get heldPolls(): number {
    return this.held.size;
  }

  private changed(): void {
    const { waiters } = this;
    this.waiters = [];
    for (const wake of waiters) wake();
  }

  /** Leases that ran out are handed out again: same task, next attempt, no policy asked. */
  private sweep(): void {
    for (const execution of this.executions.values()) {
      if (execution.status === "running" && execution.leaseExpiresAt < this.now()) {
        const attempt = execution.attempts.at(-1);
        if (attempt !== undefined) attempt.status = "superseded";
        execution.status = "pending";
        this.ready.push(execution);
      }
    }
    this.serve();
  }

  private serve(): void {
    for (const poll of this.held) {
      const task = this.lease(poll);
      if (task !== null) poll.answer(task);
    }
    this.changed();
  }

  private lease({ worker, workerId }: Pick<HeldPoll, "worker" | "workerId">): PolledTask | null {
    const index = this.ready.findIndex(
      (candidate) =>
        candidate.status === "pending" &&
        candidate.readyAt <= this.now() &&
        candidate.namespace === worker.namespace &&
        candidate.taskQueue === worker.taskQueue &&
        worker.types.includes(candidate.spec.type),
    );
    const execution = this.ready[index];
    if (execution === undefined) return null;
    this.ready.splice(index, 1);
    const { spec } = execution;
    const number = execution.attempts.length + 1;
    const attempt: ScriptedAttempt = {
      id: `ATTEMPT-${execution.id}-${number}`,
      number,
      taskId: execution.taskId,
      status: "running",
    };
    execution.attempts.push(attempt);
    this.byAttempt.set(attempt.id, { execution, attempt });
    execution.status = "running";
    execution.owner = workerId;
    execution.leaseExpiresAt = this.now() + this.options.leaseMs;
    const at = (ms: number): string => exact(this.now() + ms);
    return {
      task_id: execution.taskId,
      workflow_id: execution.workflowId,
      run_id: `run-${execution.id}`,
      activity_execution_id: execution.id,
      activity_attempt_id: attempt.id,
      idempotency_key: execution.id,
      attempt_number: number,
      activity_type: spec.type,
      payload_codec: "avro",
      ...(spec.arguments == null ? {} : { arguments: spec.arguments }),
      retry_policy: {
        snapshot_version: 1,
        max_attempts: spec.maxAttempts ?? 1,
        backoff_seconds: [seconds(spec.backoffMs) ?? 0],
        start_to_close_timeout: seconds(spec.startToCloseMs),
        schedule_to_start_timeout: null,
        schedule_to_close_timeout: null,
        heartbeat_timeout: seconds(spec.heartbeatTimeoutMs),
        non_retryable_error_types: [],
      },
      task_queue: execution.taskQueue,
      lease_owner: workerId,
      lease_expires_at: at(this.options.leasesAreOver ? -60_000 : this.options.leaseMs),
      deadlines: {
        ...(spec.startToCloseMs === undefined ? {} : { start_to_close: at(spec.startToCloseMs) }),
        ...(spec.heartbeatTimeoutMs === undefined ? {} : { heartbeat: at(spec.heartbeatTimeoutMs) }),
      },
      ...(spec.externalExecutor === undefined ? {} : { external_executor: spec.externalExecutor }),
      ...(spec.traceparent === undefined ? {} : { traceparent: spec.traceparent }),
      ...spec.more,
    };
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { payloads } = this.options;
    if (payloads?.serves(request.url ?? "") === true) {
      await payloads.handle(request, response);
      return;
    }
    const chunks: Uint8Array[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Uint8Array);
    } catch {
      // The request was cut off: an engine does nothing then.
      return;
    }
    const text = Buffer.concat(chunks).toString("utf8");
    const path = request.url ?? "";
    let body: Json = {};
    try {
      if (text !== "") body = JSON.parse(text) as Json;
    } catch {
      this.send(response, 400, { reason: "malformed_json" });
      return;
    }
    const call = {
      method: request.method ?? "",
      path,
      verb: verbOf(request.method ?? "", path),
      headers: request.headers,
      body,
    };
    if (this.keepCalls) this.calls.push(call);
    const interference = this.interfere(call);
    if (interference !== undefined) {
      // A response that is no connection's: what is written there is lost.
      if (interference.acts === true) this.answer(call, new ServerResponse(request));
      const usual = { "content-type": "application/json", date: this.date() };
      response.writeHead(interference.status, { ...usual, ...interference.headers });
      response.end(interference.body);
      return;
    }
    this.answer(call, response);
    this.changed();
  }

  private send(response: ServerResponse, status: number, body: Answer, from: Teller = "poll"): void {
    const own = { [PROTOCOL_VERSION_FIELD]: this.options.version };
    const { renewal, fencing, tellsTime } = this.options;
    const text = JSON.stringify({
      ...body,
      protocol_version: this.options.version,
      ...(tellsTime || renewal.length > 0 ? { server_time: exact(this.now()) } : {}),
      server_capabilities: {
        long_poll_timeout: this.options.longPollMs / 1000,
        ...(renewal.includes(from) ? { activity_lease_renewal: true } : {}),
        ...(fencing ? { worker_deregistration_fencing: FENCING } : {}),
      },
    });
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      date: this.date(),
      ...own,
    });
    response.end(text);
  }

  private answer(call: EngineCall, response: ServerResponse): void {
    const refuse = (status: number, reason: Reason, more: Partial<Refusal> = {}): void =>
      this.send(response, status, { error: reason, reason, ...more });
    if (call.headers.authorization !== `Bearer ${this.options.token}`) {
      refuse(401, "unauthorized");
      return;
    }
    if (call.verb === "cluster_info") {
      const namespace = this.options.payloads?.namespaceInfo();
      const ofNamespace = namespace === undefined ? {} : { namespace };
      this.send(response, 200, { worker_protocol: { version: this.options.version }, ...ofNamespace }, "cluster_info");
      return;
    }
    if (call.method !== "DELETE" && !this.accepts(call.headers[PROTOCOL_VERSION_FIELD])) {
      refuse(400, "unsupported_protocol_version", { supported_version: this.options.version });
      return;
    }
    const namespace = String(call.headers[NAMESPACE_FIELD] ?? "default").toLowerCase();
    switch (call.verb) {
      case "register":
        this.register(call, namespace, response);
        return;
      case "worker_heartbeat": {
        const id = String(call.body["worker_id"]);
        const cadence = this.cadence();
        if (this.workers.has(id)) this.send(response, 200, { worker_id: id, acknowledged: true, ...cadence });
        else refuse(404, "worker_not_registered");
        return;
      }
      case "deregister":
        this.deregister(call, response);
        return;
      case "poll":
        this.poll(call, response);
        return;
      case "complete":
      case "fail":
      case "heartbeat":
      case "renew-lease":
        if (call.verb === "renew-lease" && this.options.renewal.length === 0) refuse(404, "not_found");
        else this.outcome(call, namespace, response);
        return;
      default:
        refuse(404, "not_found");
    }
  }

  private accepts(version: unknown): boolean {
    if (this.options.version === ERAS.april) return version === ERAS.april;
    const [major, minor] = String(version).split(".").map(Number);
    const [ownMajor = 0, ownMinor = 0] = this.options.version.split(".").map(Number);
    return major === ownMajor && minor !== undefined && minor <= ownMinor;
  }

  private register({ body }: EngineCall, namespace: string, response: ServerResponse): void {
    const { worker_id: id, task_queue: taskQueue, runtime, supported_activity_types: types } = body;
    if (typeof taskQueue !== "string" || runtime !== "typescript" || typeof id !== "string" || !Array.isArray(types)) {
      this.send(response, 422, { reason: "validation_failed", message: "fields are missing" });
      return;
    }
    if (speaks(this.options.version, "capabilityManifest") && typeof body["capability_manifest"] !== "object") {
      this.send(response, 422, { reason: "validation_failed", message: "capability_manifest is required" });
      return;
    }
    const token = randomUUID().replaceAll("-", "");
    // Whoever registers anew loses the leases of that name.
    if (speaks(this.options.version, "capabilityManifest") && this.workers.has(id)) this.freeLeasesOf(id);
    this.workers.set(id, { namespace, taskQueue, types: types as string[], body, token });
    const more = this.options.fencing ? { registration_token: token } : {};
    this.send(response, 201, { worker_id: id, registered: true, ...more, ...this.cadence() }, "register");
  }

  private cadence(): { heartbeat_interval_seconds?: number } {
    const { heartbeatSeconds } = this.options;
    return heartbeatSeconds === null ? {} : { heartbeat_interval_seconds: heartbeatSeconds };
  }

  private freeLeasesOf(workerId: string): void {
    for (const execution of this.executions.values()) {
      if (execution.status === "running" && execution.owner === workerId) execution.leaseExpiresAt = 0;
    }
  }

  private deregister({ method, path, body }: EngineCall, response: ServerResponse): void {
    const id = decodeURIComponent(path.split("/").at(method === "DELETE" ? -1 : -2) ?? "");
    const token = body["registration_token"];
    const isFenced = method !== "DELETE";
    if (isFenced && this.receipts.get(String(token)) !== id && this.workers.get(id)?.token !== token) {
      this.send(response, 404, { reason: "worker_registration_token_not_found", error: "unknown token" });
      return;
    }
    if (!isFenced || this.workers.get(id)?.token === token) this.workers.delete(id);
    if (isFenced) this.receipts.set(String(token), id);
    const more = isFenced ? { registration_token: String(token) } : {};
    this.send(response, 200, { worker_id: id, ...more, outcome: "deregistered", recovered_workflow_task_count: 0 });
    if (!isFenced) return;
    // Nothing is leased to it any more: its polls come back.
    for (const poll of this.held) if (poll.workerId === id) poll.answer(null);
  }

  private poll({ body }: EngineCall, response: ServerResponse): void {
    const workerId = String(body["worker_id"]);
    const worker = this.workers.get(workerId);
    if (worker === undefined) {
      this.send(response, 412, { reason: "worker_not_registered", error: "Worker must be registered before polling." });
      return;
    }
    if (worker.taskQueue !== body["task_queue"]) {
      this.send(response, 409, { reason: "task_queue_mismatch" });
      return;
    }
    const requestId = typeof body["poll_request_id"] === "string" ? body["poll_request_id"] : randomUUID();
    const known = this.options.idempotentPolls ? this.polls.get(requestId) : undefined;
    const finish = (task: PolledTask | null): void => {
      if (task !== null) this.polls.set(requestId, task);
      this.send(response, 200, { task, poll_status: task === null ? "empty" : "leased" });
    };
    if (known != null) {
      finish(known);
      return;
    }
    const leader = [...this.held].find((held) => held.requestId === requestId);
    if (leader !== undefined && !this.options.noticesLeaving) {
      leader.followers.push(finish);
      return;
    }
    const task = this.lease({ worker, workerId });
    const wish = body["timeout_seconds"];
    const asked = speaks(this.options.version, "pollRequests") && typeof wish === "number" ? wish * 1000 : Infinity;
    const holdMs = Math.min(asked, this.options.longPollMs);
    if (task !== null || holdMs === 0) {
      finish(task);
      return;
    }
    const poll: HeldPoll = {
      worker,
      workerId,
      requestId,
      followers: [],
      answer: (found) => {
        clearTimeout(timer);
        this.held.delete(poll);
        finish(found);
        for (const follow of poll.followers) follow(found);
      },
    };
    const timer = setTimeout(() => poll.answer(null), holdMs);
    this.held.add(poll);
    // A newer engine notices that nobody listens any more; an older one leases on.
    if (this.options.idempotentPolls && this.options.noticesLeaving) {
      response.once("close", () => {
        clearTimeout(timer);
        this.held.delete(poll);
      });
    }
  }

  private outcome({ path, verb, body }: EngineCall, namespace: string, response: ServerResponse): void {
    const taskId = decodeURIComponent(path.split("/").at(-2) ?? "");
    const attemptId = String(body["activity_attempt_id"]);
    const ids = { task_id: taskId, activity_attempt_id: attemptId };
    const execution = this.tasks.get(taskId);
    if (execution === undefined || execution.namespace !== namespace) {
      this.send(response, 404, { ...ids, reason: "task_not_found", error: "no such task" });
      return;
    }
    const found = this.byAttempt.get(attemptId);
    if (found === undefined) {
      this.send(response, 404, { ...ids, reason: "attempt_not_found", error: "no such attempt" });
      return;
    }
    const { attempt } = found;
    if (found.execution !== execution || attempt.taskId !== taskId) {
      this.send(response, 409, { ...ids, reason: "task_mismatch", error: "another task's attempt" });
      return;
    }
    if (execution.owner !== body["lease_owner"]) {
      this.send(response, 409, {
        ...ids,
        reason: "lease_owner_mismatch",
        error: "not yours",
        lease_owner: execution.owner,
      });
      return;
    }
    if (verb === "renew-lease") this.renew(execution, attempt, ids, response);
    else if (verb === "heartbeat") this.heartbeat(execution, attempt, ids, response);
    else this.record(execution, attempt, { verb: verb as "complete" | "fail", body, ids }, response);
  }

  private heartbeat(execution: Execution, attempt: ScriptedAttempt, ids: AttemptIds, response: ServerResponse): void {
    execution.heartbeats++;
    const cancelled = attempt.status === "cancelled";
    const running = attempt.status === "running";
    if (running) execution.leaseExpiresAt = this.now() + this.options.leaseMs;
    this.send(response, 200, {
      ...ids,
      lease_owner: execution.owner,
      cancel_requested: cancelled,
      can_continue: running,
      reason: running ? null : cancelled ? `run_${execution.status}` : "attempt_closed",
      run_closed_reason: cancelled ? execution.status : null,
      heartbeat_recorded: running,
      lease_expires_at: running ? new Date(execution.leaseExpiresAt).toISOString() : null,
    });
  }

  private renew(execution: Execution, attempt: ScriptedAttempt, ids: AttemptIds, response: ServerResponse): void {
    execution.renewals++;
    const running = attempt.status === "running";
    if (running) execution.leaseExpiresAt = this.now() + this.options.leaseMs;
    const cancelled = attempt.status === "cancelled";
    this.send(response, running ? 200 : 409, {
      ...ids,
      workflow_task_id: ids.task_id,
      workflow_instance_id: execution.workflowId,
      workflow_run_id: `run-${execution.id}`,
      activity_execution_id: execution.id,
      attempt_number: attempt.number,
      lease_owner: execution.owner,
      lease_renewed: running,
      can_continue: running,
      cancel_requested: cancelled,
      heartbeat_recorded: false,
      reason: running ? null : cancelled ? `run_${execution.status}` : "lease_expired",
      server_time: exact(this.now()),
      lease_expires_at: running ? exact(execution.leaseExpiresAt) : null,
      last_heartbeat_at: null,
      heartbeat_deadline_at: null,
    });
  }

  private record(
    execution: Execution,
    attempt: ScriptedAttempt,
    { verb, body, ids }: { verb: "complete" | "fail"; body: Json; ids: AttemptIds },
    response: ServerResponse,
  ): void {
    const outcome = verb === "complete" ? "completed" : "failed";
    if (attempt.status === "cancelled") {
      this.send(response, 409, {
        ...ids,
        outcome: "ignored",
        recorded: false,
        reason: `run_${execution.status}`,
        error: "closed",
      });
      return;
    }
    if (attempt.status !== "running") {
      const status = this.options.version === ERAS.april ? {} : { attempt_status: attempt.status };
      this.send(response, 409, { ...ids, outcome, recorded: false, reason: "stale_attempt", ...status });
      return;
    }
    if (verb === "fail" && typeof (body["failure"] as Json | undefined)?.["message"] !== "string") {
      this.send(response, 422, { reason: "validation_failed", message: "failure.message is required" });
      return;
    }
    attempt.status = outcome;
    execution.outcomes.push({ attemptId: attempt.id, attempt: attempt.number, verb, body });
    const failure = body["failure"] as Json | undefined;
    const isFinal =
      verb === "complete" || failure?.["non_retryable"] === true || attempt.number >= (execution.spec.maxAttempts ?? 1);
    if (isFinal) execution.status = outcome;
    else {
      execution.status = "pending";
      execution.taskId = `${execution.taskId.replace(/-\d+$/, "")}-${attempt.number + 1}`;
      execution.readyAt = this.now() + (execution.spec.backoffMs ?? 0);
      this.tasks.set(execution.taskId, execution);
      this.ready.push(execution);
    }
    this.send(response, 200, {
      ...ids,
      outcome,
      recorded: true,
      reason: null,
      next_task_id: isFinal ? null : execution.taskId,
    });
    this.serve();
  }
}
