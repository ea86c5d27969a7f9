import { createLocalEngine, type LocalEngine } from "@durable-workflow/local-engine";
import { awakeClock } from "@durable-workflow/test-support/clock";
import { Client, type Json } from "@durable-workflow/test-support/engine-client";
import { type EngineReply, Gateway } from "@durable-workflow/test-support/gateway";
import { until } from "@durable-workflow/test-support/patience";
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
  keepsLease,
  type RecordedOutcome,
  seconds,
  WORKER_TOKEN,
} from "./engine-under-test.js";

export interface RealEngineOptions extends EngineOptions {
  /** Path of the executor config that the engine reads, too. */
  readonly externalExecutorConfig?: string;
  /** Of leases that are renewed. Default: the engine's own. */
  readonly shortLeaseMs?: number;
}

/** What is started, with more fields of the engine's own request. */
export interface RealSpec extends ActivitySpec {
  readonly request?: Readonly<Record<string, unknown>>;
}

const OPERATOR_TOKEN = "operator-t0ken";
const LOOK_EVERY_MS = 20;

/** An activity as it was when last looked at. */
class Seen implements Activity {
  readonly id: string;
  readonly workflowId: string;
  readonly namespace: string;
  status: ActivityState = "pending";
  attempts: readonly Attempt[] = [];
  outcomes: readonly RecordedOutcome[] = [];
  heartbeats = 0;

  constructor(started: Json) {
    this.id = started.activity_execution_id;
    this.workflowId = started.activity_id;
    this.namespace = started.namespace;
  }

  get isClosed(): boolean {
    return this.status !== "pending" && this.status !== "running";
  }
}

/**
 * The local engine of this repository, on a socket and with a token for each role. Dispatchers reach it through a
 * {@link Gateway}, which sees what they report; what became of it is asked of the engine itself, over its API. An outcome
 * counts where both say so.
 */
export class RealEngine implements EngineUnderTest {
  private readonly options: RealEngineOptions;
  private readonly gateway: Gateway;
  private readonly activities = new Set<Seen>();
  private readonly clients = new Map<string, Client>();
  /** Reports that the engine has answered as recorded, by attempt. */
  private readonly reports = new Map<string, Pick<RecordedOutcome, "verb" | "body">[]>();
  private readonly heartbeats = new Map<string, number>();
  private engine: LocalEngine | undefined;
  private engineUrl: string | undefined;

  constructor(options: RealEngineOptions = {}) {
    this.options = options;
    this.gateway = new Gateway({
      target: () => this.engineUrl,
      onReply: (call, reply) => this.note(call, reply),
      now: () => this.now(),
    });
  }

  async start(): Promise<string> {
    const { token = WORKER_TOKEN, leaseMs, longPollMs, shortLeaseMs, externalExecutorConfig } = this.options;
    this.engine = createLocalEngine({
      file: ":memory:",
      namespaces: ["attic"],
      auth: { workerToken: token, operatorToken: OPERATOR_TOKEN },
      leaseSeconds: Math.ceil((leaseMs ?? 300_000) / 1000),
      longPollSeconds: Math.ceil((longPollMs ?? 1_000) / 1000),
      ...(shortLeaseMs === undefined ? {} : { shortLeaseSeconds: Math.ceil(shortLeaseMs / 1000) }),
      ...(externalExecutorConfig === undefined ? {} : { externalExecutorConfig: { path: externalExecutorConfig } }),
      clock: {
        now: () => this.now(),
        schedule: (delayMs, callback) => awakeClock.schedule(delayMs, callback),
      },
    });
    this.engineUrl = (await this.engine.listen()).url;
    return (await this.gateway.start()).url;
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.engine?.close();
    this.engineUrl = undefined;
  }

  private now(): number {
    return awakeClock.now() + (this.options.skewMs ?? 0);
  }

  get url(): string {
    return this.gateway.url;
  }

  get calls(): readonly EngineCall[] {
    return this.gateway.calls;
  }

  get heldPolls(): number {
    return this.gateway.heldPolls;
  }

  get interfere(): Interference {
    return this.gateway.interfere;
  }

  set interfere(interference: Interference) {
    this.gateway.interfere = interference;
  }

  callsOf(verb: string): readonly EngineCall[] {
    return this.calls.filter((call) => call.verb === verb);
  }

  async schedule(spec: RealSpec): Promise<Activity> {
    const { type, taskQueue = "lamps", namespace = "default", maxAttempts = 1, backoffMs } = spec;
    const started = await this.clientOf(namespace).started(type, taskQueue, {
      ...(spec.arguments == null ? {} : { input: spec.arguments }),
      retry_policy: { max_attempts: maxAttempts, backoff_seconds: [seconds(backoffMs) ?? 0] },
      ...(spec.startToCloseMs === undefined ? {} : { start_to_close_timeout_seconds: seconds(spec.startToCloseMs) }),
      ...(spec.heartbeatTimeoutMs === undefined ? {} : { heartbeat_timeout_seconds: seconds(spec.heartbeatTimeoutMs) }),
      ...spec.request,
    });
    const activity = new Seen(started);
    this.activities.add(activity);
    return activity;
  }

  cancel(activity: Activity): Promise<void> {
    return this.close(activity, "cancel");
  }

  terminate(activity: Activity): Promise<void> {
    return this.close(activity, "terminate");
  }

  private async close(activity: Activity, verb: "cancel" | "terminate"): Promise<void> {
    const { namespace, workflowId } = this.own(activity);
    const path = `/api/workflows/${workflowId}/${verb}`;
    const { status, body } = await this.clientOf(namespace).call("POST", path, {});
    if (status !== 200) throw new Error(`${verb}: ${status} ${JSON.stringify(body)}`);
  }

  async list(namespace = "default"): Promise<readonly Pick<Activity, "id" | "status">[]> {
    const { body } = await this.clientOf(namespace).call("GET", "/api/activities?page_size=200");
    const lines = body.activities as readonly Json[];
    const executionIds = new Map([...this.activities].map(({ workflowId, id }) => [workflowId, id]));
    return lines.map(({ activity_id: id, status }) => ({ id: executionIds.get(id) ?? id, status }));
  }

  async workerIds(): Promise<readonly string[]> {
    const { body } = await this.clientOf("default").call("GET", "/api/workers");
    return (body.workers as readonly Json[]).map(({ worker_id: id }) => id);
  }

  async forgetWorkers(): Promise<void> {
    const client = this.clientOf("default");
    for (const id of await this.workerIds()) {
      await client.call("DELETE", `/api/worker/registrations/${encodeURIComponent(id)}`);
    }
  }

  async until(condition: () => Awaitable<boolean>, what = "the engine's state"): Promise<void> {
    const holds = async (): Promise<boolean> => {
      await this.refresh();
      return condition();
    };
    await until(holds, what, LOOK_EVERY_MS);
  }

  untilStatus(activity: Activity, ...statuses: readonly ActivityState[]): Promise<void> {
    return this.until(() => statuses.includes(activity.status), `${activity.id} ${statuses.join(" or ")}`);
  }

  async refresh(): Promise<void> {
    const open = [...this.activities].filter(({ isClosed }) => !isClosed);
    await Promise.all(open.map((activity) => this.look(activity)));
  }

  /** The engine's own description of an activity. */
  async describe(activity: Activity): Promise<Json> {
    return this.clientOf(this.own(activity).namespace).describe(activity.workflowId);
  }

  history(activity: Activity): Promise<readonly Json[]> {
    return this.clientOf(this.own(activity).namespace).history(activity.workflowId);
  }

  private own(activity: Activity): Seen {
    if (!(activity instanceof Seen)) throw new Error(`${activity.id} is not this engine's`);
    return activity;
  }

  private clientOf(namespace: string): Client {
    let client = this.clients.get(namespace);
    if (client === undefined) {
      const { token = WORKER_TOKEN } = this.options;
      client = new Client(this.engineUrl ?? "", { workerToken: token, operatorToken: OPERATOR_TOKEN, namespace });
      this.clients.set(namespace, client);
    }
    return client;
  }

  /** Takes over what the engine says of an activity, once its reports have been seen on their way back, too. */
  private async look(activity: Seen): Promise<void> {
    const described = await this.describe(activity);
    const attempts = described.attempts as readonly Json[];
    const reported = attempts.filter(({ status }) => status === "completed" || status === "failed");
    const outcomes = reported.flatMap((attempt) => this.outcomesOf(attempt));
    if (outcomes.length < reported.length) return;
    activity.attempts = attempts.map((attempt) => ({
      id: attempt.activity_attempt_id,
      number: attempt.attempt_number,
      taskId: attempt.task_id,
    }));
    activity.outcomes = outcomes;
    activity.heartbeats = activity.attempts.reduce((sum, { id }) => sum + (this.heartbeats.get(id) ?? 0), 0);
    activity.status = described.status === "running" ? described.activity_status : described.status;
    if (activity.isClosed) checkEnd(described, outcomes.at(-1));
  }

  private outcomesOf(attempt: Json): readonly RecordedOutcome[] {
    const { activity_attempt_id: attemptId, attempt_number: number, status } = attempt;
    const reports = this.reports.get(attemptId) ?? [];
    for (const { verb } of reports) {
      if ((verb === "complete") !== (status === "completed")) {
        throw new Error(`${attemptId} was reported with ${verb}, and is ${status}`);
      }
    }
    return reports.map(({ verb, body }) => ({ attemptId, attempt: number, verb, body }));
  }

  private note(call: EngineCall, { status, body }: EngineReply): void {
    const { verb, body: sent } = call;
    if (verb === "reports") {
      // Several at once: each with the answer that is its own.
      const replies = (status === 200 ? body["reports"] : []) as readonly EngineReply[];
      for (const [index, report] of (sent["reports"] as readonly Json[]).entries()) {
        const reply = replies[index];
        const own = { ...call, verb: "failure" in report ? "fail" : "complete", body: report };
        if (reply !== undefined) this.note(own, reply);
      }
      return;
    }
    const attemptId = String(sent["activity_attempt_id"]);
    if (status === 200 && keepsLease(verb, body)) {
      this.heartbeats.set(attemptId, (this.heartbeats.get(attemptId) ?? 0) + 1);
    }
    if (status === 200 && (verb === "complete" || verb === "fail")) {
      this.reports.set(attemptId, [...(this.reports.get(attemptId) ?? []), { verb, body: sent }]);
    }
  }
}

/** What was reported last is what the engine keeps, where its own timers did not end the activity. */
function checkEnd(described: Json, last: RecordedOutcome | undefined): void {
  if (described.status === "completed") {
    const sent = last?.body["result"] ?? null;
    if (sent !== null && JSON.stringify(described.result) !== JSON.stringify(sent)) {
      throw new Error(`${JSON.stringify(sent)} was reported, and ${JSON.stringify(described.result)} is kept`);
    }
  }
  if (described.closed_reason === "failed") {
    const sent = last?.body["failure"] as Json;
    const { message, type, non_retryable: isFinal, details } = described.failure;
    const isSame =
      sent.message === message &&
      (sent.type ?? null) === type &&
      sent.non_retryable === isFinal &&
      JSON.stringify(sent.details) === JSON.stringify(details);
    if (!isSame)
      throw new Error(`${JSON.stringify(sent)} was reported, and ${JSON.stringify(described.failure)} is kept`);
  }
}
