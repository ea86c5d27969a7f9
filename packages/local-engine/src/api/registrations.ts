import { LONGEST_NAME, PATHS } from "@durable-workflow/engine-protocol";
import type { DeregisterAnswer, RegisterAnswer, WorkerHeartbeatAnswer } from "@durable-workflow/engine-protocol/worker";
import { type Call, type Reply, ReplyError } from "../http/call.js";
import { Fields } from "../http/fields.js";
import type { Route } from "../http/router.js";
import {
  deregisterFenced,
  deregisterWorker,
  type FencedDeregistration,
  heartbeatWorker,
  registerWorker,
} from "../service/registrations.js";
import { StorageUnavailableError } from "../store/group-commit.js";
import { HEARTBEAT_SECONDS, registeredToWire, staleAfterSeconds } from "../wire/worker.js";
import { outcomeUnknown } from "./outcome-unknown.js";
import { type ApiParts, WORKER_ROLES } from "./parts.js";
import { readRegistration, readTold } from "./registration-body.js";

/** Closed runs that one heartbeat removes at most. */
const PRUNED_PER_HEARTBEAT = 25;
const TOKEN = /^[a-f0-9]{32}$/;

/** What workers tell of themselves. */
export function registrationRoutes(parts: ApiParts): readonly Route[] {
  const common = { plane: "worker", roles: WORKER_ROLES } as const;
  return [
    { ...common, method: "POST", pattern: PATHS.register, handle: (call) => register(parts, call) },
    { ...common, method: "POST", pattern: PATHS.workerHeartbeat, handle: (call) => heartbeat(parts, call) },
    { ...common, method: "DELETE", pattern: PATHS.registration, handle: (call) => deregister(parts, call) },
    { ...common, method: "POST", pattern: PATHS.deregister, handle: (call) => deregisterByToken(parts, call) },
  ];
}

async function register({ context, polls, options }: ApiParts, call: Call): Promise<Reply> {
  const request = readRegistration(call);
  const worker = await context.store.transact(() => registerWorker(context, request));
  polls.endOf(worker.namespace, worker.workerId, worker.fence);
  const answer: RegisterAnswer = registeredToWire(worker, context.now(), options.longPollSeconds);
  return { status: 201, body: answer };
}

async function heartbeat({ context, pruner, options }: ApiParts, { body, namespace }: Call): Promise<Reply> {
  const fields = new Fields();
  const workerId = fields.string(body, "worker_id", { required: true, max: LONGEST_NAME }) ?? "";
  const told = readTold(fields, body);
  fields.check();
  const isKnown = await context.store.transact(() => heartbeatWorker(context, namespace, workerId, told));
  if (!isKnown) {
    throw new ReplyError(404, {
      error: "Worker not registered.",
      reason: "worker_not_registered",
      worker_id: workerId,
    });
  }
  const pruned = (await pruner?.pass(PRUNED_PER_HEARTBEAT))?.removed ?? 0;
  const answer: WorkerHeartbeatAnswer = {
    worker_id: workerId,
    acknowledged: true,
    heartbeat_interval_seconds: HEARTBEAT_SECONDS,
    stale_after_seconds: staleAfterSeconds(options.longPollSeconds),
    retention: { throttled: false, processed: pruned, pruned, skipped: 0, failed: 0 },
  };
  return { status: 200, body: answer };
}

async function deregister({ context, polls }: ApiParts, { params, namespace }: Call): Promise<Reply> {
  const workerId = params["worker"] ?? "";
  const isKnown = await context.store.transact(() => deregisterWorker(context, namespace, workerId));
  if (!isKnown) {
    const message = `Worker [${workerId}] not found in namespace [${namespace}].`;
    throw new ReplyError(404, { message, error: message, reason: "worker_not_found", worker_id: workerId });
  }
  polls.endOf(namespace, workerId, undefined);
  return { status: 200, body: receipt(workerId) };
}

/** As {@link deregister}, for the registration that has the token; whoever asks again gets the same receipt. */
async function deregisterByToken({ context, polls }: ApiParts, call: Call): Promise<Reply> {
  const { params, namespace, body } = call;
  const workerId = params["worker"] ?? "";
  const fields = new Fields();
  const token = fields.string(body, "registration_token", { required: true, pattern: TOKEN }) ?? "";
  fields.check();
  let outcome: FencedDeregistration;
  try {
    outcome = await context.store.transact(() => deregisterFenced(context, namespace, workerId, token));
  } catch (error) {
    if (!(error instanceof StorageUnavailableError)) throw error;
    context.logger.error({ error: error.cause }, "The storage cannot be written; a worker is still registered.");
    const message = "The engine's storage cannot be written.";
    const ids = { registration_token: token };
    // The one form of a refusal after which workers ask again here.
    return outcomeUnknown({ operation: "deregister_worker", workerId, taskQueue: null, message, ids });
  }
  if (outcome.kind !== "deregistered") throw refusal(outcome.kind, workerId, token);
  if (!outcome.isRepeated) polls.endOf(namespace, workerId, undefined);
  return { status: 200, body: { ...receipt(workerId), registration_token: token } };
}

function receipt(workerId: string): DeregisterAnswer {
  // There are no workflow tasks to recover. Leases of activities run out by themselves.
  return { worker_id: workerId, outcome: "deregistered", recovered_workflow_task_count: 0 };
}

const REFUSALS = {
  token_not_found: [404, "worker_registration_token_not_found"],
  lost_authority: [409, "worker_registration_lost_authority"],
  receipt_expired: [410, "worker_registration_receipt_expired"],
} as const;

function refusal(
  kind: Exclude<FencedDeregistration["kind"], "deregistered">,
  workerId: string,
  token: string,
): ReplyError {
  const [status, reason] = REFUSALS[kind];
  return new ReplyError(status, { reason, worker_id: workerId, registration_token: token, retryable: false });
}
