import {
  fieldOf,
  LONG_POLL_SECONDS,
  NAMESPACE_FIELD,
  negotiateVersion,
  PATHS,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_FIELD,
  pathTo,
  speaks,
} from "@durable-workflow/engine-protocol";
import type {
  AttemptIdentity,
  CompleteBody,
  FailBody,
  Ownership,
  PollBody,
  RegisterBody,
  WorkerHeartbeatBody,
} from "@durable-workflow/engine-protocol/worker";
import type { Proxies } from "../net/proxies.js";
import type { Clock } from "../time/clock.js";
import {
  type HeartbeatOutcome,
  type PollOutcome,
  type Refused,
  type RegisterOutcome,
  type ReportOutcome,
  readHeartbeatOutcome,
  readNegotiation,
  readPollOutcome,
  readRegisterOutcome,
  readReportOutcome,
  readWorkerHeartbeatOutcome,
  type Unavailable,
  type WorkerHeartbeatOutcome,
  wantsOtherVersion,
} from "./outcomes.js";
import type { RecordableFailure, RecordableResult } from "./recordable.js";
import type { EngineAnswer } from "./reply.js";
import { SDK_VERSION } from "./sdk-version.js";
import { ServerClock } from "./server-clock.js";
import { EngineTransport } from "./transport.js";

export interface EngineClientOptions {
  readonly serverUrl: string;
  /** Asked for each request; null sends none. */
  readonly token: () => string | null;
  readonly tlsVerify: boolean;
  readonly clock: Clock;
  /** Default: none. */
  readonly proxies?: Proxies;
  /** Takes credentials out of what an error answer says. */
  readonly scrub: (text: string) => string;
  /** How long any request but a poll may take, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Told when a version was agreed on. */
  readonly onVersion?: (version: string, advertised: string) => void;
}

export interface RegistrationRequest {
  readonly namespace: string;
  readonly workerId: string;
  readonly taskQueue: string;
  /** Never empty: newer engines take that for no activity at all. */
  readonly activityTypes: readonly string[];
  readonly slots: number;
  readonly buildId?: string | undefined;
}

export interface PollRequest {
  readonly namespace: string;
  readonly workerId: string;
  readonly taskQueue: string;
  readonly buildId?: string | undefined;
  /** The same for a repeat of a poll whose answer was lost: newer engines then answer alike. */
  readonly requestId: string;
  /** How long to be held; the engine has a limit of its own. */
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal;
  /** Whether it repeats one whose answer was lost: a task may have been leased long before. Default false. */
  readonly isRepeat?: boolean;
}

/** An answer may take this much longer than the poll is held. */
const POLL_GRACE_MS = 5_000;

/** The engine's worker plane. Nothing here rejects or throws: every answer, and every lack of one, is an outcome. */
export class EngineClient {
  readonly serverClock: ServerClock;
  private readonly options: EngineClientOptions;
  private readonly transport: EngineTransport;
  private version: string | undefined;
  private negotiation: Promise<void> | undefined;
  private first: Promise<Unavailable | Refused | undefined> | undefined;
  /** Until the engine says how long it holds a poll. */
  private longPollSeconds: number = LONG_POLL_SECONDS.default;

  constructor(options: EngineClientOptions) {
    this.options = options;
    this.serverClock = new ServerClock(options.clock);
    this.transport = new EngineTransport({ ...options, serverClock: this.serverClock });
  }

  /** Whether the engine answers a repeated poll alike, and at once when asked to. Known once a version is. */
  get repeatsPolls(): boolean {
    return this.version !== undefined && speaks(this.version, "pollRequests");
  }

  get protocolVersion(): string | undefined {
    return this.version;
  }

  /**
   * Asks what the engine speaks, and settles on the lower of its version and ours. Where that cannot be learned, requests
   * go out with our own, and the engine refuses them if it must.
   */
  async negotiate(): Promise<EngineAnswer> {
    const answer = await this.transport.send({
      method: "GET",
      path: PATHS.clusterInfo,
      headers: this.headers(),
      timeoutMs: this.options.requestTimeoutMs,
    });
    if (answer.kind === "reply" && answer.status === 200) {
      const advertised = fieldOf(fieldOf(answer.body, "worker_protocol"), "version");
      const version = negotiateVersion(advertised);
      if (version !== undefined) {
        if (version !== this.version) this.options.onVersion?.(version, String(advertised));
        this.version = version;
      }
      this.learn(answer);
    }
    return answer;
  }

  /** As {@link negotiate}, shared by those who ask at the same time. Undefined once requests can be sent. */
  async negotiateOnce(): Promise<Unavailable | Refused | undefined> {
    this.first ??= this.negotiate().then((answer) => {
      this.first = undefined;
      return readNegotiation(answer, this.version);
    });
    return this.first;
  }

  async register(registration: RegistrationRequest): Promise<RegisterOutcome> {
    const { namespace, workerId, taskQueue, activityTypes, slots, buildId } = registration;
    const body: RegisterBody = {
      worker_id: workerId,
      task_queue: taskQueue,
      runtime: "typescript",
      sdk_version: SDK_VERSION,
      supported_activity_types: activityTypes,
      supported_workflow_types: [],
      max_concurrent_activity_tasks: slots,
      ...(buildId === undefined ? {} : { build_id: buildId }),
    };
    return this.call(namespace, PATHS.register, body, readRegisterOutcome);
  }

  async heartbeatWorker(namespace: string, workerId: string): Promise<WorkerHeartbeatOutcome> {
    const body: WorkerHeartbeatBody = { worker_id: workerId };
    return this.call(namespace, PATHS.workerHeartbeat, body, readWorkerHeartbeatOutcome);
  }

  /** Older engines have no such route; a registration then goes stale by itself. Nothing depends on the answer. */
  async deregister(namespace: string, workerId: string): Promise<EngineAnswer> {
    return this.transport.send({
      method: "DELETE",
      path: pathTo(PATHS.registration, { worker: workerId }),
      headers: this.headers(namespace),
      timeoutMs: this.options.requestTimeoutMs,
    });
  }

  async poll(request: PollRequest): Promise<PollOutcome> {
    const { namespace, workerId, taskQueue, buildId, requestId, timeoutSeconds, signal, isRepeat } = request;
    const body: PollBody = {
      worker_id: workerId,
      task_queue: taskQueue,
      poll_request_id: requestId,
      timeout_seconds: timeoutSeconds,
      ...(buildId === undefined ? {} : { build_id: buildId }),
    };
    // An older engine holds the poll as long as it likes.
    const heldSeconds = this.repeatsPolls ? Math.min(timeoutSeconds, this.longPollSeconds) : this.longPollSeconds;
    const options = { timeoutMs: heldSeconds * 1000 + POLL_GRACE_MS, signal };
    let dateMs: number | undefined;
    const read = (answer: EngineAnswer): PollOutcome => {
      dateMs = answer.kind === "reply" ? answer.dateMs : undefined;
      return readPollOutcome(namespace, answer);
    };
    const { clock } = this.options;
    const sentAt = clock.monotonic();
    const outcome = await this.call(namespace, PATHS.poll, body, read, options);
    if (outcome.kind === "task" && isRepeat !== true) {
      const { leaseExpiresAtMs: expiresAtMs, leaseGrantedAtMs: grantedAtMs } = outcome.task;
      this.serverClock.checkAgainst({ expiresAtMs, grantedAtMs, dateMs }, sentAt, clock.monotonic());
    }
    return outcome;
  }

  async complete(task: AttemptIdentity, { payload: result }: RecordableResult): Promise<ReportOutcome> {
    const body: CompleteBody = { ...ownership(task), result };
    return this.call(task.namespace, taskPath(task, PATHS.complete), body, (answer) =>
      readReportOutcome(answer, "completed"),
    );
  }

  async fail(task: AttemptIdentity, failure: RecordableFailure): Promise<ReportOutcome> {
    const body: FailBody = { ...ownership(task), failure };
    return this.call(task.namespace, taskPath(task, PATHS.fail), body, (answer) => readReportOutcome(answer, "failed"));
  }

  /** @param timeoutMs no use in waiting longer than the lease lasts */
  async heartbeat(task: AttemptIdentity, timeoutMs: number, signal?: AbortSignal): Promise<HeartbeatOutcome> {
    const options = { timeoutMs: Math.min(timeoutMs, this.options.requestTimeoutMs), signal };
    return this.call(task.namespace, taskPath(task, PATHS.heartbeat), ownership(task), readHeartbeatOutcome, options);
  }

  async close(): Promise<void> {
    await this.transport.close();
  }

  /** Sends a request of the worker plane, once more when the engine wants another protocol version. */
  private async call<Outcome extends { readonly kind: string; readonly reason?: string | null }>(
    namespace: string,
    path: string,
    body: object,
    read: (answer: EngineAnswer) => Outcome,
    {
      timeoutMs = this.options.requestTimeoutMs,
      signal,
    }: { timeoutMs?: number; signal?: AbortSignal | undefined } = {},
  ): Promise<Outcome> {
    const text = JSON.stringify(body);
    const send = async (): Promise<Outcome> => {
      const answer = await this.transport.send({
        method: "POST",
        path,
        headers: this.headers(namespace),
        body: text,
        timeoutMs,
        signal,
      });
      this.learn(answer);
      return read(answer);
    };
    const outcome = await send();
    if (!wantsOtherVersion(outcome)) return outcome;
    const refusedVersion = this.version;
    await this.renegotiate();
    return this.version === refusedVersion ? outcome : send();
  }

  /** Requests that are refused together ask once. */
  private async renegotiate(): Promise<void> {
    this.negotiation ??= this.negotiate().then(() => {
      this.negotiation = undefined;
    });
    await this.negotiation;
  }

  private learn(answer: EngineAnswer): void {
    if (answer.kind === "broken") return;
    const capabilities =
      fieldOf(answer.body, "server_capabilities") ??
      fieldOf(fieldOf(answer.body, "worker_protocol"), "server_capabilities");
    const seconds = fieldOf(capabilities, "long_poll_timeout");
    if (typeof seconds === "number" && seconds >= 0 && seconds <= LONG_POLL_SECONDS.most)
      this.longPollSeconds = seconds;
  }

  private headers(namespace?: string): Record<string, string> {
    const token = this.options.token();
    return {
      accept: "application/json",
      "content-type": "application/json",
      [PROTOCOL_VERSION_FIELD]: this.version ?? PROTOCOL_VERSION,
      ...(namespace === undefined ? {} : { [NAMESPACE_FIELD]: namespace }),
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    };
  }
}

function ownership({ attemptId, leaseOwner }: AttemptIdentity): Ownership {
  return { activity_attempt_id: attemptId, lease_owner: leaseOwner };
}

function taskPath(
  { taskId }: AttemptIdentity,
  pattern: typeof PATHS.complete | typeof PATHS.fail | typeof PATHS.heartbeat,
): string {
  return pathTo(pattern, { task: taskId });
}
