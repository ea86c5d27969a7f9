import { send } from "./send.js";

/** An answer, to look into: each has its own fields, and a test that misses one fails. */
// oxlint-disable-next-line typescript/no-explicit-any -- types for every answer would be a second copy of what is tested
export type Json = any;

export interface Answer {
  readonly status: number;
  readonly body: Json;
}

export interface ClientOptions {
  readonly workerToken?: string;
  readonly operatorToken?: string;
  readonly adminToken?: string;
  readonly namespace?: string;
}

export interface Held {
  readonly taskId: string;
  readonly attemptId: string;
  readonly owner: string;
  readonly task: Json;
}

/** Speaks the engine's API as workers and operators do. */
export class Client {
  readonly url: string;
  /** The worker protocol that is spoken. */
  protocolVersion = "1.1";
  private readonly options: ClientOptions;

  constructor(url: string, options: ClientOptions = {}) {
    this.url = url;
    this.options = options;
  }

  async call(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Answer> {
    const isWorker = path.startsWith("/api/worker/");
    const { workerToken, operatorToken, adminToken, namespace } = this.options;
    const token = isWorker ? workerToken : path.startsWith("/api/system/") ? adminToken : operatorToken;
    const { status, text } = await send(this.url, {
      method,
      path,
      headers: {
        ...(isWorker
          ? { "X-Durable-Workflow-Protocol-Version": this.protocolVersion }
          : { "X-Durable-Workflow-Control-Plane-Version": "2" }),
        ...(namespace === undefined ? {} : { "X-Namespace": namespace }),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      ...(signal && { signal }),
    });
    return { status, body: text === "" ? undefined : JSON.parse(text) };
  }

  async register(workerId: string, queue: string, types: readonly string[], more: object = {}): Promise<void> {
    const { status, body } = await this.call("POST", "/api/worker/register", {
      worker_id: workerId,
      task_queue: queue,
      runtime: "typescript",
      supported_activity_types: types,
      ...more,
    });
    if (status !== 201) throw new Error(`register: ${status} ${JSON.stringify(body)}`);
  }

  start(activityType: string, queue: string, more: object = {}): Promise<Answer> {
    return this.call("POST", "/api/activities", { activity_type: activityType, task_queue: queue, ...more });
  }

  /** Starts, and throws unless that is accepted. */
  async started(activityType: string, queue: string, more: object = {}): Promise<Json> {
    const { status, body } = await this.start(activityType, queue, more);
    if (status !== 201) throw new Error(`start: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  poll(workerId: string, queue: string, more: object = {}, signal?: AbortSignal): Promise<Answer> {
    const body = { worker_id: workerId, task_queue: queue, ...more };
    return this.call("POST", "/api/worker/activity-tasks/poll", body, signal);
  }

  /** The task of a poll, or undefined. */
  async take(workerId: string, queue: string, more: object = {}): Promise<Held | undefined> {
    const { status, body } = await this.poll(workerId, queue, more);
    if (status !== 200) throw new Error(`poll: ${status} ${JSON.stringify(body)}`);
    const { task } = body;
    if (task === null) return undefined;
    return { taskId: task.task_id, attemptId: task.activity_attempt_id, owner: task.lease_owner, task };
  }

  report(
    verb: "complete" | "fail" | "heartbeat" | "renew-lease" | "status",
    held: Held,
    more: object = {},
  ): Promise<Answer> {
    return this.call("POST", `/api/worker/activity-tasks/${held.taskId}/${verb}`, {
      activity_attempt_id: held.attemptId,
      lease_owner: held.owner,
      ...more,
    });
  }

  async describe(activityId: string, query = ""): Promise<Json> {
    const { body } = await this.call("GET", `/api/activities/${encodeURIComponent(activityId)}${query}`);
    return body;
  }

  async history(activityId: string): Promise<Json[]> {
    const { workflow_run_id: run } = await this.describe(activityId);
    const { body } = await this.call("GET", `/api/workflows/${activityId}/runs/${run}/history`);
    return body.events;
  }
}
