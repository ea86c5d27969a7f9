import { type HeartbeatProgress, recordableText } from "@durable-workflow/carrier/protocol";
import {
  ACTIVITIES_ONLY,
  LONGEST_NAME,
  LONGEST_POLL_TIMEOUT_SECONDS,
  PATHS,
  pathTo,
  SHORT_LEASES,
  speaks,
} from "@durable-workflow/engine-protocol";
import type {
  AttemptIdentity,
  DeregisterBody,
  LeasedTask,
  Ownership,
  PollBody,
  RegisterBody,
  WorkerHeartbeatBody,
} from "@durable-workflow/engine-protocol/worker";
import type { StopSignal } from "../time/call-off.js";
import { EngineCaller, type EngineCallerOptions } from "./caller.js";
import { type LeaseGrant, type RenewalOutcome, readLeaseGrant, readRenewalOutcome } from "./lease-grant.js";
import {
  type HeartbeatOutcome,
  type PollOutcome,
  type Refused,
  type ReportOutcome,
  readHeartbeatOutcome,
  readPollOutcome,
  readReportOutcome,
  type Unavailable,
} from "./outcomes.js";
import type { RecordableFailure, RecordableResult } from "./recordable.js";
import {
  type DeregisterOutcome,
  type RegisterOutcome,
  readDeregisterOutcome,
  readFencedDeregisterOutcome,
  readRegisterOutcome,
  readWorkerHeartbeatOutcome,
  type WorkerHeartbeatOutcome,
} from "./registrations.js";
import type { EngineAnswer } from "./reply.js";
import { type OutgoingReport, ReportBatches } from "./report-batches.js";
import { SDK_VERSION } from "./sdk-version.js";
import type { ServerClock } from "./server-clock.js";
import type { ReadTask, UnreadableOne } from "./task-batches.js";

/** What stays the same as long as a process works. */
export interface ProcessIdentity {
  readonly host: string;
  readonly id: number;
  /** RFC 3339. */
  readonly startedAt: string;
}

export interface EngineClientOptions extends EngineCallerOptions {
  /** What tells this process from another one of the same names. Default: nothing is told. */
  readonly process?: ProcessIdentity;
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
  /** How long to be held, in whole seconds; the engine has a limit of its own. */
  readonly timeoutSeconds: number;
  readonly signal?: StopSignal;
  /** Whether it repeats one whose answer was lost: a task may have been leased long before. Default false. */
  readonly isRepeat?: boolean;
  /** How long to wait for the answer at least: an engine may hold a repeat until the poll that it repeats has ended. */
  readonly patienceMs?: number;
  /** How many tasks the answer may bring: no more than the engine lets a poll ask for. Default 1. */
  readonly maxTasks?: number;
}

/** A task as a poll has brought it. */
export interface PolledTask {
  readonly kind: "task";
  readonly task: LeasedTask;
  /** What its lease is, of an engine whose leases are renewed; null where heartbeats keep it. */
  readonly grant: LeaseGrant | null;
}

/** What a poll came to. */
export type PolledOutcome =
  | {
      readonly kind: "tasks";
      /** One; several where several were asked for. */
      readonly tasks: readonly (PolledTask | UnreadableOne)[];
      /** Whether more may be had at once. */
      readonly hasMore: boolean;
    }
  | Exclude<PollOutcome, { readonly kind: "tasks" }>;

/** An answer may take this much longer than the poll is held. */
const POLL_GRACE_MS = 5_000;

/** The engine's worker plane. Nothing here rejects or throws: every answer, and every lack of one, is an outcome. */
export class EngineClient {
  private readonly options: EngineClientOptions;
  private readonly caller: EngineCaller;
  private readonly reports: ReportBatches;

  constructor(options: EngineClientOptions) {
    this.options = options;
    this.caller = new EngineCaller(options);
    this.reports = new ReportBatches({
      clock: options.clock,
      limits: () => this.caller.capabilities.batches,
      sendAlone: (report) => this.reportAlone(report),
      sendTogether: (namespace, body) => this.reportTogether(namespace, body),
      scrub: options.scrub,
    });
  }

  get serverClock(): ServerClock {
    return this.caller.serverClock;
  }

  /** Whether the engine answers a repeated poll with what the first one has leased. Known once a version is. */
  get repeatsPolls(): boolean {
    return this.caller.agreedVersion !== undefined && speaks(this.caller.agreedVersion, "pollRequests");
  }

  /** Whether registering anew under the same name takes all leases of that name away. */
  get freesLeasesAtRegistration(): boolean {
    return speaks(this.caller.version, "capabilityManifest");
  }

  get protocolVersion(): string | undefined {
    return this.caller.agreedVersion;
  }

  /** How many tasks a poll may ask for. */
  get mostTasks(): number {
    return this.caller.capabilities.batches?.tasks ?? 1;
  }

  /** The most that the body of a failure's report may take, in bytes. */
  get failureReportBytes(): number {
    return this.caller.capabilities.failureReportBytes;
  }

  /** Whether requests can still be sent. */
  get isClosed(): boolean {
    return this.caller.isClosed;
  }

  /**
   * Asks what the engine speaks, and settles on the lower of its version and ours. Where that cannot be learned, requests
   * go out with our own, and the engine refuses them if it must.
   */
  negotiate(): Promise<EngineAnswer> {
    return this.caller.negotiate();
  }

  /** As {@link negotiate}, shared by those who ask at the same time. Undefined once requests can be sent. */
  negotiateOnce(): Promise<Unavailable | Refused | undefined> {
    return this.caller.negotiateOnce();
  }

  /** What the engine says of itself and of a namespace. */
  clusterInfo(namespace: string): Promise<EngineAnswer> {
    return this.caller.clusterInfo(namespace);
  }

  register(registration: RegistrationRequest): Promise<RegisterOutcome> {
    const { namespace, workerId, taskQueue, activityTypes, slots, buildId } = registration;
    const body = (): RegisterBody => ({
      worker_id: workerId,
      task_queue: taskQueue,
      runtime: "typescript",
      sdk_version: SDK_VERSION,
      supported_activity_types: activityTypes,
      supported_workflow_types: [],
      max_concurrent_activity_tasks: slots,
      ...(this.tellsManifest
        ? { max_concurrent_workflow_tasks: 0, capabilities: this.told(), capability_manifest: ACTIVITIES_ONLY }
        : {}),
      ...this.processMetrics(),
      ...(buildId === undefined ? {} : { build_id: buildId }),
    });
    const read = (answer: EngineAnswer): RegisterOutcome => readRegisterOutcome(answer, workerId);
    return this.caller.post(namespace, PATHS.register, body, read, { teller: "register" });
  }

  /** Leases are always kept by renewals or heartbeats, which an engine is told that can make use of it. */
  private told(): readonly string[] {
    return this.caller.capabilities.hasShortLeases ? [SHORT_LEASES] : [];
  }

  private get tellsManifest(): boolean {
    return speaks(this.caller.version, "capabilityManifest");
  }

  private processMetrics(): Pick<RegisterBody, "process_metrics"> {
    const { process } = this.options;
    if (!this.tellsManifest || process === undefined) return {};
    const { host, id, startedAt } = process;
    const metrics = { host: recordableText(host, LONGEST_NAME), process_id: id, process_started_at: startedAt };
    return { process_metrics: metrics };
  }

  heartbeatWorker(namespace: string, workerId: string): Promise<WorkerHeartbeatOutcome> {
    const body = (): WorkerHeartbeatBody => ({ worker_id: workerId, ...this.processMetrics() });
    return this.caller.post(namespace, PATHS.workerHeartbeat, body, readWorkerHeartbeatOutcome);
  }

  /**
   * Ends a registration.
   *
   * @param token of the registration; null ends whatever registration the worker has
   */
  async deregister(namespace: string, workerId: string, token: string | null): Promise<DeregisterOutcome> {
    if (token === null) {
      return readDeregisterOutcome(
        await this.caller.delete(namespace, pathTo(PATHS.registration, { worker: workerId })),
      );
    }
    const body: DeregisterBody = { registration_token: token };
    return this.caller.post(namespace, pathTo(PATHS.deregister, { worker: workerId }), body, (answer) =>
      readFencedDeregisterOutcome(answer, workerId, token),
    );
  }

  /** Whether registrations end by their tokens: nothing is leased to one that has ended. */
  get fencesRegistrations(): boolean {
    return this.caller.capabilities.fencesRegistrations;
  }

  /** How long a poll is held at most that asks for this, in milliseconds, its answer's way included. */
  pollMs(timeoutSeconds: number): number {
    const { longPollSeconds } = this.caller.capabilities;
    // An older engine holds the poll as long as it likes.
    const heldSeconds = this.repeatsPolls ? Math.min(timeoutSeconds, longPollSeconds) : longPollSeconds;
    return heldSeconds * 1000 + POLL_GRACE_MS;
  }

  async poll(request: PollRequest): Promise<PolledOutcome> {
    const {
      namespace,
      workerId,
      taskQueue,
      buildId,
      requestId,
      timeoutSeconds,
      signal,
      isRepeat,
      maxTasks = 1,
    } = request;
    const isBounded = speaks(this.caller.version, "boundedPolls");
    const body: PollBody = {
      worker_id: workerId,
      task_queue: taskQueue,
      poll_request_id: requestId,
      timeout_seconds: isBounded ? Math.min(timeoutSeconds, LONGEST_POLL_TIMEOUT_SECONDS) : timeoutSeconds,
      ...(buildId === undefined ? {} : { build_id: buildId }),
      ...(maxTasks === 1 ? {} : { max_tasks: maxTasks }),
    };
    const timeoutMs = Math.max(this.pollMs(timeoutSeconds), request.patienceMs ?? 0);
    let dateMs: number | undefined;
    const read = (answer: EngineAnswer): PollOutcome => {
      dateMs = answer.kind === "reply" ? answer.dateMs : undefined;
      return readPollOutcome(namespace, answer, requestId);
    };
    const { clock } = this.options;
    const sentAt = clock.monotonic();
    const outcome = await this.caller.post(namespace, PATHS.poll, body, read, { timeoutMs, signal });
    if (outcome.kind !== "tasks") return outcome;
    const { tasks, hasMore, body: answer } = outcome;
    const receivedAt = clock.monotonic();
    const first = tasks.find((one) => one.kind === "task")?.task;
    if (isRepeat !== true && first !== undefined) {
      const { leaseExpiresAtMs: expiresAtMs, leaseGrantedAtMs: grantedAtMs } = first;
      this.serverClock.checkAgainst({ expiresAtMs, grantedAtMs, dateMs }, sentAt, receivedAt);
    }
    const renews = this.caller.capabilities.renewsLeases(answer);
    const granted = (one: ReadTask): PolledTask | UnreadableOne => {
      if (one.kind !== "task") return one;
      const { task } = one;
      const grant = renews ? readLeaseGrant(answer, task.leaseExpiresAt, task.closesAtMs, receivedAt) : undefined;
      return { kind: "task", task, grant: grant ?? null };
    };
    return { kind: "tasks", tasks: tasks.map(granted), hasMore };
  }

  complete(task: AttemptIdentity, { payload: result }: RecordableResult): Promise<ReportOutcome> {
    return this.reports.send({ task, status: "completed", body: { result, ...ownership(task) } });
  }

  fail(task: AttemptIdentity, failure: RecordableFailure): Promise<ReportOutcome> {
    return this.reports.send({ task, status: "failed", body: { failure, ...ownership(task) } });
  }

  private reportAlone({ task, status, body }: OutgoingReport): Promise<ReportOutcome> {
    const path = taskPath(task, status === "completed" ? PATHS.complete : PATHS.fail);
    return this.caller.post(task.namespace, path, body, (answer) => readReportOutcome(answer, status));
  }

  private async reportTogether(namespace: string, body: string): Promise<EngineAnswer> {
    const { answer } = await this.caller.post(namespace, PATHS.reports, body, (whole) => ({
      kind: whole.kind === "reply" && whole.status >= 400 ? "refused" : "answered",
      reason: whole.kind === "reply" ? whole.reason : null,
      answer: whole,
    }));
    return answer;
  }

  /**
   * @param timeoutMs no use in waiting longer than the lease lasts
   * @param progress within the engine's limits
   */
  heartbeat(
    task: AttemptIdentity,
    timeoutMs: number,
    signal?: StopSignal,
    progress?: HeartbeatProgress,
  ): Promise<HeartbeatOutcome> {
    const options = { timeoutMs: Math.min(timeoutMs, this.options.requestTimeoutMs), signal };
    const path = taskPath(task, PATHS.heartbeat);
    // Progress lies beside the identity, not below it.
    const body = progress === undefined ? ownership(task) : { ...progress, ...ownership(task) };
    return this.caller.post(task.namespace, path, body, readHeartbeatOutcome, options);
  }

  /** Renews a lease without a word of progress. @param last the newest grant of this lease */
  renewLease(task: LeasedTask, last: LeaseGrant, timeoutMs: number, signal?: StopSignal): Promise<RenewalOutcome> {
    const options = { timeoutMs: Math.min(timeoutMs, this.options.requestTimeoutMs), signal };
    const sentAt = this.options.clock.monotonic();
    const read = (answer: EngineAnswer): RenewalOutcome => readRenewalOutcome(answer, task, last, sentAt);
    return this.caller.post(task.namespace, taskPath(task, PATHS.renewLease), ownership(task), read, options);
  }

  async close(): Promise<void> {
    await this.caller.close();
  }
}

function ownership({ attemptId, leaseOwner }: AttemptIdentity): Ownership {
  return { activity_attempt_id: attemptId, lease_owner: leaseOwner };
}

function taskPath(
  { taskId }: AttemptIdentity,
  pattern: typeof PATHS.complete | typeof PATHS.fail | typeof PATHS.heartbeat | typeof PATHS.renewLease,
): string {
  return pathTo(pattern, { task: taskId });
}
