import { type HeartbeatProgress, type JsonObject, recordableText } from "@durable-workflow/carrier/protocol";
import { ACTIVITIES_ONLY, LONGEST_NAME, PATHS, pathTo, SHORT_LEASES, speaks } from "@durable-workflow/engine-protocol";
import type {
  AttemptIdentity,
  DeregisterBody,
  InputSchemasBody,
  LeasedTask,
  Ownership,
  RegisterBody,
  WorkerHeartbeatBody,
} from "@durable-workflow/engine-protocol/worker";
import type { StopSignal } from "../time/call-off.js";
import { EngineCaller, type EngineCallerOptions } from "./caller.js";
import { type LeaseGrant, type RenewalOutcome, readRenewalOutcome } from "./lease-grant.js";
import {
  type HeartbeatOutcome,
  type Refused,
  type ReportOutcome,
  readHeartbeatOutcome,
  readReportOutcome,
  type Unavailable,
} from "./outcomes.js";
import { EnginePolls, type PolledOutcome, type PollRequest } from "./polls.js";
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

/** What is known of the arguments of activities of a task queue. */
export interface ToldInputSchemas {
  readonly namespace: string;
  readonly taskQueue: string;
  readonly activityTypes: readonly string[];
  /** JSON Schemas of the list of arguments, by type. */
  readonly inputSchemas: ReadonlyMap<string, JsonObject>;
}

function readTold(answer: EngineAnswer): { readonly kind: "told" | "untold" } {
  return { kind: answer.kind === "reply" && answer.status === 200 ? "told" : "untold" };
}

/** The engine's worker plane. Nothing here rejects or throws: every answer, and every lack of one, is an outcome. */
export class EngineClient {
  private readonly options: EngineClientOptions;
  private readonly caller: EngineCaller;
  private readonly polls: EnginePolls;
  private readonly reports: ReportBatches;

  constructor(options: EngineClientOptions) {
    this.options = options;
    this.caller = new EngineCaller(options);
    this.polls = new EnginePolls(this.caller, options.clock);
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
    return this.polls.repeats;
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

  /** Whether the engine wants to know what the arguments of activities look like. */
  get keepsInputSchemas(): boolean {
    return this.caller.capabilities.keepsInputSchemas;
  }

  /** Tells it. @returns whether it has taken that */
  async tellInputSchemas({ namespace, taskQueue, activityTypes, inputSchemas }: ToldInputSchemas): Promise<boolean> {
    const body: InputSchemasBody = {
      task_queue: taskQueue,
      activity_types: activityTypes,
      input_schemas: Object.fromEntries(inputSchemas),
    };
    return (await this.caller.post(namespace, PATHS.inputSchemas, body, readTold)).kind === "told";
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
    return this.polls.pollMs(timeoutSeconds);
  }

  /** Asks for tasks. */
  poll(request: PollRequest): Promise<PolledOutcome> {
    return this.polls.poll(request);
  }

  complete(task: AttemptIdentity, { payload: result }: RecordableResult): Promise<ReportOutcome> {
    return this.reports.send({ task, status: "completed", body: { result, ...ownership(task) } });
  }

  fail(task: AttemptIdentity, failure: RecordableFailure): Promise<ReportOutcome> {
    return this.reports.send({ task, status: "failed", body: { failure, ...ownership(task) } });
  }

  /** Resolves once the outcomes that are on their way together have been answered; undefined where none are. Never rejects. */
  untilReported(namespace: string): Promise<unknown> | undefined {
    return this.reports.untilAnswered(namespace);
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
