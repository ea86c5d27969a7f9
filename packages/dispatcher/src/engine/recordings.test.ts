import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseExternalTaskInput } from "@durable-workflow/carrier/protocol";
import { readEngineMapping } from "@durable-workflow/engine-protocol/executor-config";
import { activityTaskEnvelope, type LeasedTask } from "@durable-workflow/engine-protocol/worker";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../test/support/foreign-carrier.js";
import { systemClock } from "../time/clock.js";
import { EngineClient } from "./client.js";

/** Exchanges recorded from real engines, in a folder beside the repository: each is played over HTTP to the client. */
const RECORDINGS = new URL("../../../../../shared/contract/worker-protocol/", import.meta.url);

interface Recording {
  readonly name: string;
  readonly request: { readonly method: string; readonly path: string; readonly body?: Record<string, unknown> | null };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
}

/** What each class of recorded answer means, by operation, status and reason. */
const MEANING: Readonly<Record<string, string>> = {
  "register 201 null": "registered",
  "register 400 malformed_json": "refused",
  "register 400 missing_protocol_version": "refused",
  "register 400 unsupported_protocol_version": "refused",
  "register 401 unauthorized": "refused",
  "register 403 forbidden": "refused",
  "register 404 namespace_not_found": "refused",
  "register 405 method_not_allowed": "refused",
  "register 415 unsupported_media_type": "refused",
  "register 422 validation_failed": "refused",
  "register 500 server_error": "unavailable",
  "worker-heartbeat 200 null": "acknowledged",
  "worker-heartbeat 404 worker_not_registered": "reregister",
  "poll 200 task": "tasks",
  "poll 200 empty": "empty",
  "poll 409 build_id_mismatch": "reregister",
  "poll 409 task_queue_mismatch": "reregister",
  "poll 412 worker_not_registered": "reregister",
  "poll 422 validation_failed": "refused",
  "complete 200 null": "recorded",
  "complete 404 attempt_not_found": "lost",
  "complete 404 task_not_found": "lost",
  "complete 409 lease_owner_mismatch": "lost",
  "complete 409 task_mismatch": "lost",
  "complete 409 run_cancelled": "ignored",
  "complete 409 run_terminated": "ignored",
  "complete 409 stale_attempt": "closed",
  "complete 413 payload_too_large": "rejected",
  "complete 422 validation_failed": "rejected",
  "complete 422 null": "rejected",
  "complete 500 null": "unavailable",
  "fail 200 null": "recorded",
  "fail 404 attempt_not_found": "lost",
  "fail 404 task_not_found": "lost",
  "fail 409 lease_owner_mismatch": "lost",
  "fail 409 run_cancelled": "ignored",
  "fail 409 run_terminated": "ignored",
  "fail 409 stale_attempt": "closed",
  "heartbeat 200 null": "continue",
  "heartbeat 200 attempt_closed": "stop",
  "heartbeat 200 run_cancelled": "stop",
  "heartbeat 200 run_terminated": "stop",
  "heartbeat 404 attempt_not_found": "lost",
  "heartbeat 404 task_not_found": "lost",
  "heartbeat 409 lease_owner_mismatch": "lost",
  "heartbeat 422 validation_failed": "refused",
  "heartbeat 500 null": "unavailable",
};

function operationOf({ request }: Recording): string | undefined {
  const { path } = request;
  if (path === "/api/worker/heartbeat") return "worker-heartbeat";
  if (path.startsWith("/api/worker/activity-tasks/")) return path.split("/").at(-1);
  return path === "/api/worker/register" ? "register" : undefined;
}

function classOf(recording: Recording): string {
  const { status, body } = recording.response;
  const { reason = null, task } = body as { reason?: string | null; task?: unknown };
  const operation = operationOf(recording) ?? "";
  const detail = operation === "poll" && status === 200 ? (task === null ? "empty" : "task") : String(reason);
  return `${operation} ${status} ${detail}`;
}

if (!existsSync(RECORDINGS)) {
  it.skip("../shared/contract is not here: the recorded exchanges are played where it is", () => undefined);
} else {
  const recordings = readdirSync(RECORDINGS)
    .filter((file) => /^\d+.*\.json$/.test(file))
    .map((file) => JSON.parse(readFileSync(new URL(file, RECORDINGS), "utf8")) as Recording);
  const played = recordings.filter((recording) => operationOf(recording) !== undefined);

  describe("recorded answers", () => {
    let current: Recording;
    let server: Loopback;
    let client: EngineClient;
    const asked: { method: string; path: string; body: Record<string, unknown> }[] = [];

    beforeAll(async () => {
      server = await listen(
        createServer((request, response) => {
          let text = "";
          request.on("data", (chunk) => (text += String(chunk)));
          request.on("end", () => {
            const { url = "", method = "" } = request;
            asked.push({ method, path: url, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) });
            const { status, headers, body } = current.response;
            response.writeHead(status, headers).end(JSON.stringify(body));
          });
        }),
      );
      client = new EngineClient({
        serverUrl: server.url,
        token: () => "t",
        tlsVerify: true,
        scrub: (text) => text,
        clock: systemClock,
        requestTimeoutMs: 5_000,
      });
    });
    afterAll(async () => {
      await client.close();
      await server.close();
    });

    async function play(recording: Recording) {
      current = recording;
      const { path } = recording.request;
      const body = recording.request.body ?? {};
      const task = {
        namespace: "default",
        taskId: decodeURIComponent(path.split("/").at(-2) ?? ""),
        attemptId: String(body["activity_attempt_id"]),
        leaseOwner: String(body["lease_owner"]),
      };
      const worker = { namespace: "default", workerId: "w", taskQueue: "q" };
      switch (operationOf(recording) ?? "heartbeat") {
        case "register":
          return client.register({ ...worker, activityTypes: ["t"], slots: 1 });
        case "worker-heartbeat":
          return client.heartbeatWorker("default", "w");
        case "poll":
          return client.poll({ ...worker, requestId: "r", timeoutSeconds: 1 });
        case "complete":
          return client.complete(task, { payload: body["result"] ?? null } as never);
        case "fail":
          return client.fail(task, body["failure"] as never);
        default:
          return client.heartbeat(task, 5_000);
      }
    }

    it("are of classes that are all listed here", () => {
      expect(new Set(played.map(classOf))).toEqual(new Set(Object.keys(MEANING)));
    });

    it.each(played.map((recording) => [recording.name, classOf(recording), recording] as const))(
      "%s: %s",
      async (_, kind, recording) => {
        const outcome = await play(recording);
        expect(outcome.kind).toBe(MEANING[kind]);
        // The request went where the recorded one did; ownership is told as it was.
        expect(asked.at(-1)?.path === recording.request.path || asked.at(-1)?.path === "/api/cluster/info").toBe(true);
        if (outcome.kind === "continue") expect(outcome.leaseExpiresAtMs).toBeGreaterThan(Date.UTC(2026, 0, 1));
        if (outcome.kind === "stop") expect(outcome.cancelRequested).toBe(/run_/.test(kind));
        if (outcome.kind !== "tasks") return;
        expect(outcome).toMatchObject({ tasks: [{ kind: "task" }], hasMore: false });
        for (const read of outcome.tasks) if (read.kind === "task") readsWell(read.task, recording);
      },
    );

    function readsWell(task: LeasedTask, recording: Recording): void {
      const wire = (recording.response.body as { task: Json }).task;
      const envelope = activityTaskEnvelope(task, { renewedBy: "w", traceparent: "00-1-2-01" });
      const input = parseExternalTaskInput(JSON.parse(JSON.stringify(envelope)));
      expect(input).toMatchObject({
        task: {
          id: wire["task_id"],
          attempt: wire["attempt_number"],
          activityAttemptId: wire["activity_attempt_id"],
          idempotencyKey: wire["activity_attempt_id"],
          taskQueue: wire["task_queue"],
          handler: wire["activity_type"],
          externalExecutor: wire["external_executor"] ?? null,
        },
        workflow: { id: wire["workflow_id"], runId: wire["run_id"] },
        lease: { owner: wire["lease_owner"], expiresAt: wire["lease_expires_at"] },
        arguments: wire["arguments"] ?? null,
        deadlines: {
          startToClose: wire["deadlines"]?.start_to_close ?? null,
          scheduleToStart: wire["deadlines"]?.schedule_to_start ?? null,
          scheduleToClose: wire["deadlines"]?.schedule_to_close ?? null,
          heartbeat: wire["deadlines"]?.heartbeat ?? null,
        },
        headers: { activity_execution_id: wire["activity_execution_id"] },
      });
      if (task.externalExecutor !== null) {
        const read = readEngineMapping(task.externalExecutor);
        expect(read.errors).toBeUndefined();
        expect(read.mapping).toMatchObject({ activityType: wire["activity_type"], authRef: "local-profile" });
      }
    }

    it.each(["001-cluster-info-admin", "002-cluster-info-worker-token", "501-ext-cluster-info"])(
      "%s settles the version",
      async (file) => {
        current = JSON.parse(readFileSync(new URL(`${file}.json`, RECORDINGS), "utf8")) as Recording;
        const own = new EngineClient({
          serverUrl: server.url,
          token: () => "t",
          tlsVerify: true,
          scrub: (text) => text,
          clock: systemClock,
          requestTimeoutMs: 5_000,
        });
        expect(await own.negotiateOnce()).toBeUndefined();
        expect(own.protocolVersion).toBe("1.0");
        await own.close();
      },
    );
  });
}
