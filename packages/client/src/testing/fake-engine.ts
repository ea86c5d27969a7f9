import { ActivityCancelled, type ActivityHandlers } from "@durable-workflow/carrier";
import { decodePayload } from "@durable-workflow/carrier/payload";
import { buildTaskInput, type CarrierClient, carrierClient } from "@durable-workflow/carrier/testing";
import { LIST_PAGE, PATHS, pathTo, type Reason } from "@durable-workflow/engine-protocol";
import {
  type DescribedFailure,
  type RetryRule,
  type RunStatus,
  retryAfterFailure,
  STANDALONE_WORKFLOW_TYPE,
  type StartRequest,
} from "@durable-workflow/engine-protocol/control";
import { ulid } from "../start/ulid.js";
import type { Transport, TransportRequest, TransportResponse } from "../transport/transport.js";

/** A run that is kept in memory. */
interface Run {
  readonly request: StartRequest;
  readonly id: string;
  readonly runId: string;
  readonly startedAt: string;
  readonly stop: AbortController;
  readonly closed: Promise<void>;
  readonly close: (status: RunStatus, reason?: string) => void;
  status: RunStatus;
  closedReason: string | null;
  closedAt: string | null;
  attempts: number;
  result: unknown;
  failure: DescribedFailure | null;
}

type Reply = readonly [status: number, body: object];

/**
 * An engine that is nothing but a transport: it runs the activities in this process, through the code of a carrier and the
 * codec, at once and without pauses between attempts. It keeps everything in memory.
 */
export class FakeEngine implements Transport {
  readonly maxConcurrentRequests = 1_000;
  private readonly carrier: CarrierClient;
  private readonly names: ReadonlySet<string>;
  private readonly onStart: (request: StartRequest, args: readonly unknown[]) => void;
  /** The runs of each id, the newest last. */
  private readonly runs = new Map<string, Run[]>();

  constructor(
    activities: ActivityHandlers,
    names: ReadonlySet<string>,
    onStart: (request: StartRequest, args: readonly unknown[]) => void,
  ) {
    this.carrier = carrierClient(activities);
    this.names = names;
    this.onStart = onStart;
  }

  async send({ method, url, body, signal }: TransportRequest): Promise<TransportResponse> {
    const { pathname, searchParams } = new URL(url);
    const given: unknown = typeof body === "string" ? JSON.parse(body) : {};
    const [status, document] = await this.answer(method, pathname, searchParams, given, signal);
    const headers = new Map([["date", new Date().toUTCString()]]);
    return {
      status,
      body: new TextEncoder().encode(JSON.stringify(document)),
      header: (name) => headers.get(name),
    };
  }

  private async answer(
    method: string,
    path: string,
    query: URLSearchParams,
    body: unknown,
    signal: AbortSignal,
  ): Promise<Reply> {
    if (path === PATHS.activities) return method === "POST" ? this.start(body as StartRequest) : this.list(query);
    if (path === PATHS.clusterInfo) return [200, {}];
    for (const [id, runs] of this.runs) {
      const newest = runs.at(-1);
      if (newest === undefined) continue;
      if (path === pathTo(PATHS.activity, { id })) {
        if (query.has("wait")) await untilClosed(newest, signal);
        return [200, described(newest)];
      }
      for (const run of runs) {
        const at = { id, run: run.runId };
        if (path === pathTo(PATHS.cancelRun, at)) return stop(run, "cancelled");
        if (path === pathTo(PATHS.terminateRun, at)) return stop(run, "terminated");
        if (path === pathTo(PATHS.history, at)) return [200, { events: historyOf(run), next_page_token: null }];
      }
      if (path === pathTo(PATHS.cancel, { id })) return stop(newest, "cancelled");
      if (path === pathTo(PATHS.terminate, { id })) return stop(newest, "terminated");
    }
    return [404, { reason: "activity_not_found" satisfies Reason, message: "There is no such activity." }];
  }

  private start(request: StartRequest): Reply {
    const { activity_type: type, activity_id: id = ulid(Date.now()) } = request;
    if (!this.names.has(type)) {
      const known = `There is no activity ${type}; there are ${[...this.names].join(", ") || "none"}.`;
      return [422, { reason: "validation_failed" satisfies Reason, errors: { activity_type: [known] } }];
    }
    const runs = this.runs.get(id) ?? [];
    if (runs.at(-1)?.status === "running") {
      return [422, { errors: { activity_id: [`Standalone activity [${id}] is already running.`] } }];
    }
    const args = decodePayload(request.input) as readonly unknown[];
    this.onStart(request, args);
    const run = newRun(request, id);
    this.runs.set(id, [...runs, run]);
    void this.perform(run, args);
    return [201, { ...described(run), command_status: "accepted" }];
  }

  private async perform(run: Run, args: readonly unknown[]): Promise<void> {
    const { request, id, runId, stop: stopping } = run;
    const policy = request.retry_policy;
    const rule: RetryRule = {
      maxAttempts: policy?.max_attempts ?? 1,
      backoffSeconds: policy?.backoff_seconds ?? [],
      nonRetryableErrorTypes: policy?.non_retryable_error_types ?? [],
    };
    const seconds = request.start_to_close_timeout_seconds;
    while (run.status === "running") {
      run.attempts++;
      const envelope = buildTaskInput({
        activityType: request.activity_type,
        args,
        attempt: run.attempts,
        taskQueue: request.task_queue,
        workflowId: id,
        runId,
        // The same for every attempt: handlers dedupe by it.
        executionId: runId,
        startToCloseMs: seconds === undefined ? null : seconds * 1000,
      });
      const result = await this.carrier.send(envelope, { signal: stopping.signal });
      if (result.kind === "success") {
        run.result = result.payload;
        run.close("completed");
        return;
      }
      const { type, message, stackTrace, details, timeoutType } = result.failure;
      run.failure = {
        failure_category: timeoutType === null ? "activity" : "timeout",
        message,
        type,
        non_retryable: !result.retryable,
        timeout_type: timeoutType,
        stack_trace: stackTrace,
        details,
      };
      const decision = retryAfterFailure(rule, run.attempts, { nonRetryable: !result.retryable, type });
      if (!decision.retries) run.close("failed", timeoutType === null ? "failed" : "timed_out");
    }
  }

  private list(query: URLSearchParams): Reply {
    const bucket = query.get("status");
    const size = Number(query.get("page_size") ?? LIST_PAGE.default);
    const from = Number(query.get("next_page_token") ?? 0);
    const runs = [...this.runs.values()].flat().toReversed();
    const wanted = runs.filter(({ status }) => bucket === null || bucketOf(status) === bucket);
    const page = wanted.slice(from, from + size);
    const next = from + size < wanted.length ? String(from + size) : null;
    return [200, { activities: page.map(described), activity_count: page.length, next_page_token: next }];
  }
}

function newRun(request: StartRequest, id: string): Run {
  const end = new AbortController();
  const closed = new Promise<void>((resolve) => {
    end.signal.addEventListener("abort", () => resolve());
  });
  const run: Run = {
    request,
    id,
    runId: ulid(Date.now()),
    startedAt: new Date().toISOString(),
    stop: new AbortController(),
    closed,
    close: (status, reason = status) => {
      if (run.status !== "running") return;
      run.status = status;
      run.closedReason = reason;
      run.closedAt = new Date().toISOString();
      end.abort();
    },
    status: "running",
    closedReason: null,
    closedAt: null,
    attempts: 0,
    result: null,
    failure: null,
  };
  return run;
}

function stop(run: Run, how: "cancelled" | "terminated"): Reply {
  if (run.status !== "running") return [409, { rejection_reason: "run_not_active", message: "It has ended." }];
  run.close(how);
  run.stop.abort(new ActivityCancelled());
  return [200, { outcome: how }];
}

function described(run: Run): object {
  const { request, id, runId, status } = run;
  const stage = status === "running" ? (run.attempts === 0 ? "pending" : "running") : status;
  return {
    activity_id: id,
    workflow_id: id,
    workflow_run_id: runId,
    workflow_type: STANDALONE_WORKFLOW_TYPE,
    namespace: "default",
    activity_type: request.activity_type,
    activity_status: stage,
    attempt_count: run.attempts,
    task_queue: request.task_queue,
    business_key: request.business_key ?? null,
    status,
    closed_reason: run.closedReason,
    started_at: run.startedAt,
    closed_at: run.closedAt,
    result: run.result,
    failure: run.failure,
  };
}

/** As much of a history as a client reads of a run that is not the newest. */
function historyOf({ status, startedAt, result, failure, attempts }: Run): readonly object[] {
  const begun = Array.from({ length: attempts }, () => ({ event_type: "ActivityStarted", payload: {} }));
  const ends: Readonly<Record<RunStatus, object[]>> = {
    running: [],
    completed: [{ event_type: "ActivityCompleted", payload: { result } }],
    failed: [
      { event_type: "ActivityFailed", payload: { ...failure, exception_type: failure?.type, exception: failure } },
    ],
    cancelled: [{ event_type: "WorkflowCancelled", payload: {} }],
    terminated: [{ event_type: "WorkflowTerminated", payload: {} }],
  };
  return [...begun, ...ends[status]].map((event, index) =>
    Object.assign(event, { sequence: index + 1, timestamp: startedAt }),
  );
}

function bucketOf(status: RunStatus): string {
  return status === "running" || status === "completed" ? status : "failed";
}

function untilClosed({ closed }: Run, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener(
      "abort",
      () => {
        reject(signal.reason as Error);
      },
      { once: true },
    );
    void closed.then(resolve);
  });
}
