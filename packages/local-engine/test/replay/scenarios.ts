import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Recording } from "./recording.js";
import type { Replayer, ReplayOptions } from "./replayer.js";

type Find = (number: number) => Recording;
type Before = (replayer: Replayer, recording: Recording, find: Find) => Promise<unknown>;

/** Recordings that were made on engines set up alike, in their order. */
export interface Group {
  readonly name: string;
  readonly holds: (number: number) => boolean;
  readonly options?: () => ReplayOptions;
}

const between = (least: number, most: number) => (number: number) => number >= least && number <= most;

export const groups: readonly Group[] = [
  { name: "April, role tokens", holds: (number) => number < 500 || number === 821 },
  { name: "config-first carriers", holds: between(501, 506), options: () => withConfig(validConfig) },
  { name: "a config with errors", holds: between(521, 522), options: () => withConfig(brokenConfig) },
  { name: "payload references", holds: between(601, 626) },
  { name: "one token", holds: between(801, 804), options: () => ({ auth: { token: "legacy-secret" } }) },
  { name: "no tokens", holds: between(806, 807), options: () => ({ auth: "none" }) },
  { name: "August", holds: (number) => number > 1000 },
];

const LEASE_RUNS_OUT_MS = 301_000;

async function heartbeats(replayer: Replayer, recording: Recording, count: number): Promise<void> {
  for (let beat = 0; beat < count; beat++) {
    await replayer.replay({ ...recording, response: { ...recording.response, body: {} } });
    await replayer.clock.advance(1000);
  }
}

const pastTheLease: Before = async (replayer, recording) => {
  await replayer.claimFor(recording);
  replayer.clock.jump(LEASE_RUNS_OUT_MS);
};

const leaseRunsOutUnderAnother =
  (report: number): Before =>
  async (replayer, recording, find) => {
    const queue = recording.request.body.task_queue;
    const { task } = recording.response.body;
    const {
      owner,
      attemptId,
      task: held,
    } = await replayer.claimFor(
      { ...find(report), request: { ...find(report).request, body: find(report).request.body } },
      { activity_id: task.workflow_id, retry_policy: { max_attempts: 3, backoff_seconds: [30] } },
    );
    replayer.map(task.activity_execution_id, held.activity_execution_id);
    await replayer.clock.advance(LEASE_RUNS_OUT_MS);
    return { queue, owner, attemptId };
  };

const leaseRunsOutThreeTimes: Before = async (replayer, recording) => {
  const { worker_id: workerId, task_queue: queue } = recording.request.body;
  const { task } = recording.response.body;
  const more = { retry_policy: { max_attempts: 2 } };
  const { activity_execution_id: execution } = await replayer.start(task.workflow_id, queue, more);
  replayer.map(task.activity_execution_id, execution);
  for (let time = 0; time < 3; time++) {
    await replayer.take(workerId, queue);
    await replayer.clock.advance(LEASE_RUNS_OUT_MS);
  }
};

const anotherTask: Before = async (replayer, recording) => {
  await replayer.start("another", "q-another");
  const { taskId } = await replayer.take("w-q-another", "q-another");
  replayer.map(recording.request.path.split("/")[4] ?? "", taskId);
};

const stoppedWhileHeld =
  (activityId: string): Before =>
  async (replayer, recording) => {
    await replayer.claimFor(recording, { activity_id: activityId });
    await replayer.client.call("POST", `/api/workflows/${activityId}/cancel`, {});
  };

const held =
  (more: object): Before =>
  (replayer, recording) =>
    replayer.claimFor(recording, more);

const timedOut: Before = async (replayer, recording) => {
  const claimed = await replayer.claimFor(recording, { start_to_close_timeout_seconds: 1, retry_policy: {} });
  await replayer.client.report("heartbeat", claimed);
  await replayer.clock.advance(2000);
};

const jump =
  (ms: number): Before =>
  async (replayer) => {
    replayer.clock.jump(ms);
  };

const waitedTooLong: Before = async (replayer, recording) => {
  const { task } = recording.response.body;
  const more = { schedule_to_start_timeout_seconds: 1 };
  const { activity_execution_id: execution } = await replayer.start(task.workflow_id, task.task_queue, more);
  replayer.map(task.activity_execution_id, execution);
  replayer.clock.jump(1300);
};

const nobodyCame: Before = async (replayer) => {
  await replayer.start("wf-sts2", "q-sts2", { schedule_to_start_timeout_seconds: 1 });
  replayer.clock.jump(4500);
};

const nonRetryableType = held({ retry_policy: { max_attempts: 3, non_retryable_error_types: ["ValidationError"] } });

/** What has to happen before a recorded request, where its own answer does not tell. */
const HEAD: Readonly<Record<number, Before>> = {
  1015: async (replayer, _, find) => {
    const { task } = find(1014).response.body;
    await replayer.replay({
      ...find(1007),
      request: {
        ...find(1007).request,
        path: `/api/worker/activity-tasks/${task.task_id}/complete`,
        body: { activity_attempt_id: task.activity_attempt_id, lease_owner: task.lease_owner, result: null },
      },
    });
  },
  1059: held({ activity_id: "job-nr-plain" }),
  1061: held({ activity_id: "job-nr-details" }),
  1063: (replayer, _, find) => replayer.claimFor(find(1065), { activity_id: "job-c" }),
  1068: (replayer) => replayer.start("job-cp", "q-nobody"),
  1070: async (replayer, _, find) => {
    const more = { activity_id: "job-t", start_to_close_timeout_seconds: 1, retry_policy: {} };
    await replayer.claimFor(find(1071), more);
    await replayer.clock.advance(2000);
  },
  1073: held({ activity_id: "job-hb", heartbeat_timeout_seconds: 3 }),
  1235: nonRetryableType,
  1236: nonRetryableType,
  1237: nonRetryableType,
  1254: held({ activity_id: "wf-kind-bad", retry_policy: {} }),
  1271: anotherTask,
  1423: leaseRunsOutUnderAnother(1424),
  1442: jump(2300),
  1449: async (replayer) => {
    await replayer.clock.advance(3000);
  },
  1451: (replayer, recording) => heartbeats(replayer, recording, 3),
  1454: waitedTooLong,
  1455: nobodyCame,
  1458: jump(2100),
  1460: timedOut,
  1464: jump(2100),
  1469: (replayer, recording) => heartbeats(replayer, recording, 3),
  1313: stoppedWhileHeld("wf-cancel2"),
  1315: stoppedWhileHeld("wf-cancel3"),
  1421: pastTheLease,
  1427: leaseRunsOutThreeTimes,
};

const APRIL: Readonly<Record<number, Before>> = {
  331: async (replayer, { request }) => {
    await replayer.client.register(request.body.worker_id, request.body.task_queue, ["rec.other"]);
    await replayer.replay({
      ...noRequest,
      request: {
        ...noRequest.request,
        path: "/api/worker/register",
        body: { ...request.body, runtime: "typescript", supported_activity_types: ["rec.other"] },
      },
    });
    await replayer.start("wf-types-0", request.body.task_queue);
  },
  333: async (replayer, { request }) => {
    const { worker_id: workerId, task_queue: queue } = request.body;
    await replayer.replay({
      ...noRequest,
      request: {
        ...noRequest.request,
        path: "/api/worker/register",
        body: {
          worker_id: workerId,
          task_queue: queue,
          runtime: "typescript",
          build_id: "b1",
          supported_activity_types: ["rec.act"],
        },
      },
    });
    await replayer.start("wf-build-0", queue);
  },
  402: (replayer) => replayer.clock.advance(LEASE_RUNS_OUT_MS),
};

const noRequest: Recording = {
  number: 0,
  name: "",
  isApril: false,
  request: {
    method: "POST",
    path: "",
    headers: {
      Authorization: "Bearer worker-secret",
      "X-Durable-Workflow-Protocol-Version": "1.0",
      "Content-Type": "application/json",
    },
    body: {},
  },
  response: { status: 201, headers: {}, body: {} },
};

/** The scenarios of August are those of April with 1000 added. */
export function beforeOf(number: number): Before | undefined {
  if (number >= 1000) return HEAD[number];
  const lastOfHead = HEAD[number + 1000];
  return APRIL[number] ?? (number >= 300 && number < 500 ? shifted(lastOfHead) : undefined);
}

function shifted(before: Before | undefined): Before | undefined {
  if (before === undefined) return undefined;
  return (replayer, recording, find) =>
    before(replayer, recording, (number) => (number >= 1400 && number < 1500 ? find(number - 1000) : find(number)));
}

function withConfig(config: object): ReplayOptions {
  const path = join(mkdtempSync(join(tmpdir(), "engine-replay-")), "external-executor.json");
  writeFileSync(path, JSON.stringify(config));
  return { externalExecutorConfig: { path } };
}

const head = { schema: "durable-workflow.external-executor.config", version: 1 };

const validConfig = {
  ...head,
  defaults: { task_queue: "q-ext", auth_ref: "local-profile" },
  auth_refs: { "local-profile": { type: "profile", profile: "dev", token: "t0p" } },
  carriers: {
    "node-local": {
      type: "invocable_http",
      url: "http://127.0.0.1:9301/durable/activity",
      method: "POST",
      timeout_seconds: 30,
      retry_policy: { max_attempts: 3, backoff_seconds: [1, 3], retryable_status_codes: [408, 429, 503] },
      secret: "t0p",
      capabilities: ["activity_task"],
    },
    "node-minimal": { type: "invocable_http", url: "http://127.0.0.1:9302/durable/activity" },
    cli: { type: "process", command: ["node", "handler.js"], capabilities: ["activity_task", "workflow_start"] },
  },
  mappings: [
    {
      name: "greet.node",
      kind: "activity",
      activity_type: "rec.greet",
      carrier: "node-local",
      handler: "handlers/greet",
      rollout: { percent: 100 },
      metadata: { team: "ts" },
    },
    { name: "minimal.node", kind: "activity", activity_type: "rec.minimal", carrier: "node-minimal", handler: "h" },
    { name: "cli.node", kind: "activity", activity_type: "rec.cli", carrier: "cli", handler: "h" },
    {
      name: "other-queue",
      kind: "activity",
      task_queue: "q-ext-2",
      activity_type: "rec.act",
      carrier: "node-local",
      handler: "h",
    },
  ],
};

/** One that has each of the errors that were recorded, in their order. */
const brokenConfig = {
  ...head,
  carriers: {
    c1: {
      type: "invocable_http",
      url: "http://example.test/x",
      timeout_seconds: 9999,
      retry_policy: { max_attempts: 9 },
      capabilities: ["workflow_start"],
    },
  },
  mappings: [
    { name: "a", kind: "activity", activity_type: "rec.greet", carrier: "c1" },
    {
      name: "a",
      kind: "activity",
      activity_type: "rec.x",
      task_queue: "q",
      carrier: "nope",
      handler: "h",
      auth_ref: "zzz",
    },
  ],
};
