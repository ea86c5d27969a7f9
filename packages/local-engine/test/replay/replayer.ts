import { Client, type Held, type Json } from "@durable-workflow/test-support/engine-client";
import { type RawResponse, send } from "@durable-workflow/test-support/send";
import { createLocalEngine, type LocalEngine, type LocalEngineOptions } from "../../src/index.js";
import { FakeClock } from "../support/fake-clock.js";
import { type Recording, sentBody } from "./recording.js";

/** Fields of answers that hold ids, by which later requests refer to what was made. */
const ID_FIELDS = new Set([
  "task_id",
  "next_task_id",
  "run_id",
  "workflow_run_id",
  "activity_attempt_id",
  "activity_execution_id",
  "activity_id",
  "workflow_id",
]);

export const TOKENS = { workerToken: "worker-secret", operatorToken: "operator-secret", adminToken: "admin-secret" };

/**
 * Sends recorded requests to an engine, with the ids of the recording replaced by those that the engine gave. What a
 * request needs that no recorded request made is made before it: the activity that a poll was given, the attempt that a
 * report speaks of.
 */
/** How the engine was configured that a group was recorded of. */
export type ReplayOptions = Omit<Partial<LocalEngineOptions>, "auth"> & {
  readonly auth?: LocalEngineOptions["auth"] | "none";
};

export class Replayer {
  readonly clock = new FakeClock();
  readonly client: Client;
  private readonly engine: LocalEngine;
  private readonly url: string;
  private readonly ids = new Map<string, string>();
  private readonly registered = new Set<string>();
  private readonly typesOf = new Map<string, ReadonlySet<string>>();
  private readonly delivered = new Set<unknown>();
  private made = 0;

  private constructor(engine: LocalEngine, url: string, options: LocalEngineOptions, clock: FakeClock) {
    this.engine = engine;
    this.url = url;
    this.clock = clock;
    this.client = new Client(url, options.auth ?? {});
  }

  static async open({ auth = TOKENS, ...options }: ReplayOptions = {}): Promise<Replayer> {
    const clock = new FakeClock();
    const all = {
      file: ":memory:",
      ...(auth === "none" ? {} : { auth }),
      namespaces: ["other", "other2"],
      longPollSeconds: 0,
      clock,
      ...options,
    };
    const engine = createLocalEngine(all);
    const { url } = await engine.listen();
    return new Replayer(engine, url, all, clock);
  }

  close(): Promise<void> {
    return this.engine.close();
  }

  /** Makes what the request needs, sends it, and learns the ids of the answer. */
  async replay(recording: Recording): Promise<{ readonly response: RawResponse; readonly body: Json }> {
    await this.prepare(recording);
    const { method, path, headers } = recording.request;
    const text = sentBody(recording.request.body);
    const response = await send(this.url, {
      method,
      path: this.mapped(path),
      headers,
      body: text === undefined ? undefined : this.mapped(text),
    });
    const body: Json = response.headers["content-encoding"] === undefined ? JSON.parse(response.text) : undefined;
    this.learn(recording.response.body, body);
    this.delivered.add(recording.response.body.task?.task_id);
    if (path === "/api/worker/register" && response.status === 201) {
      this.registered.add(recording.request.body.worker_id);
      this.typesOf.delete(recording.request.body.worker_id);
    }
    return { response, body };
  }

  /** Starts an activity under the id that the recording names. */
  async start(activityId: string, queue: string, more: object = {}, type = "rec.act"): Promise<Json> {
    return this.client.started(type, queue, { activity_id: activityId, ...more });
  }

  /** Starts an activity and leases it, for a report that speaks of an attempt nobody recorded the poll of. */
  async claimFor(recording: Recording, more: Readonly<Record<string, Json>> = {}): Promise<Held> {
    const { body, path } = recording.request;
    const owner: string = body.lease_owner;
    const queue = owner.replace(/^w-/, "");
    this.made++;
    await this.start(more["activity_id"] ?? `made-${this.made}`, queue, { retry_policy: { max_attempts: 3 }, ...more });
    const held = await this.take(owner, queue);
    this.ids.set(path.split("/")[4] ?? "", held.taskId);
    this.ids.set(body.activity_attempt_id, held.attemptId);
    return held;
  }

  /** A task for a worker, which is registered if need be. */
  async take(workerId: string, queue: string): Promise<Held> {
    await this.ensureWorker(workerId, queue, ["rec.act"]);
    const held = await this.client.take(workerId, queue);
    if (held === undefined) throw new Error(`no task for ${workerId} at ${queue}`);
    return held;
  }

  /** A recorded id that stands for one of this engine's. */
  map(recorded: string, own: string): void {
    this.ids.set(recorded, own);
  }

  private async prepare(recording: Recording): Promise<void> {
    const { path } = recording.request;
    if (path.endsWith("/activity-tasks/poll")) await this.preparePoll(recording);
    else if (/activity-tasks\/01/.test(path)) await this.prepareReport(recording);
    else if (path.endsWith("/history")) await this.prepareHistory(recording);
    else if (/workflows\/[^/]+\/(?:cancel|terminate)$/.test(path)) return;
  }

  private async preparePoll({ request, response }: Recording): Promise<void> {
    const { worker_id: workerId, task_queue: queue } = request.body;
    const task = response.body.task;
    if (response.status !== 200) return;
    if (task === null) {
      await this.ensureWorker(workerId, queue, ["rec.act"]);
      return;
    }
    await this.ensureWorker(workerId, queue, [task.activity_type], true);
    const { retry_policy: policy, attempt_number: number } = task;
    if (!this.ids.has(task.activity_execution_id)) {
      const taken = (await this.client.describe(task.workflow_id)).status === "running";
      this.made++;
      await this.start(
        taken ? `${task.workflow_id}:${this.made}` : task.workflow_id,
        queue,
        startOf(task),
        task.activity_type,
      );
    } else if (number > 1) {
      const backoff = policy?.backoff_seconds ?? [];
      // A redelivery after a lease that ran out has the same task, and waits for nothing.
      const isRetry = !this.delivered.has(task.task_id);
      const seconds = isRetry ? (backoff[Math.min(number - 2, backoff.length - 1)] ?? 0) : 0;
      // Just past it: within a millisecond, instants are told apart by fractions.
      await this.clock.advance(seconds * 1000 + 1);
    }
  }

  private async prepareReport(recording: Recording): Promise<void> {
    const { request, response } = recording;
    const taskId = request.path.split("/")[4] ?? "";
    if (this.ids.has(taskId) || response.body.reason === "task_not_found") return;
    await this.claimFor(recording);
  }

  private async prepareHistory({ request }: Recording): Promise<void> {
    const [, , , activityId = "", , runId = ""] = request.path.split("/");
    if (!this.ids.has(runId)) this.ids.set(runId, (await this.client.describe(activityId)).workflow_run_id);
  }

  /**
   * April's workers took every type when they named none; here they have to name it. A worker that has named it is not
   * registered again: it would lose its leases.
   */
  private async ensureWorker(workerId: string, queue: string, types: readonly string[], again = false): Promise<void> {
    const known = this.typesOf.get(workerId) ?? new Set();
    const isKnown = again ? types.every((type) => known.has(type)) : this.registered.has(workerId);
    if (isKnown) return;
    await this.client.register(workerId, queue, types);
    this.registered.add(workerId);
    this.typesOf.set(workerId, new Set(types));
  }

  private learn(recorded: Json, own: Json): void {
    if (typeof recorded !== "object" || recorded === null || typeof own !== "object" || own === null) return;
    for (const [key, value] of Object.entries(recorded)) {
      const mine = own[key];
      if (ID_FIELDS.has(key) && typeof value === "string" && typeof mine === "string") this.ids.set(value, mine);
      else this.learn(value, mine);
    }
  }

  private mapped(text: string): string {
    let result = text;
    for (const [recorded, own] of this.ids) result = result.replaceAll(recorded, own);
    return result;
  }
}

function startOf(task: Json): object {
  const policy = task.retry_policy;
  return {
    ...(task.arguments?.blob.startsWith("wwH") ? { input: task.arguments } : {}),
    ...(task.arguments && !task.arguments.blob.startsWith("wwH") ? { input: ["x"] } : {}),
    ...(policy && {
      retry_policy: {
        max_attempts: policy.max_attempts,
        backoff_seconds: policy.backoff_seconds,
        non_retryable_error_types: policy.non_retryable_error_types,
      },
      start_to_close_timeout_seconds: policy.start_to_close_timeout,
      schedule_to_start_timeout_seconds: policy.schedule_to_start_timeout,
      schedule_to_close_timeout_seconds: policy.schedule_to_close_timeout,
      heartbeat_timeout_seconds: policy.heartbeat_timeout,
    }),
  };
}
