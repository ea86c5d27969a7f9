import { randomUUID } from "node:crypto";
import {
  CONTROL_PLANE_VERSION,
  CONTROL_PLANE_VERSION_FIELD,
  PATHS,
  PROTOCOL_VERSION_FIELD,
  textAt,
  VERSION_REFUSED,
} from "@durable-workflow/engine-protocol";
import type { EngineAnswer, EngineProbe } from "./engine-probe.js";
import { type Finding, fail, ok, skip, warn } from "./finding.js";

/** What a token may be used for. Roles of an engine do not include each other. */
type Access = "allowed" | "forbidden" | "unknown";

/**
 * Finds out what the token is good for, without changing anything: a heartbeat of a worker that does not exist, and a
 * look at the list of activities.
 *
 * @param version of the worker protocol, as negotiated
 * @param dispatches whether this machine is to dispatch
 */
export async function roleFindings(
  probe: EngineProbe,
  version: string,
  dispatches: boolean,
): Promise<readonly Finding[]> {
  const worker = await probe.ask({
    method: "POST",
    path: PATHS.workerHeartbeat,
    headers: { [PROTOCOL_VERSION_FIELD]: version },
    body: { worker_id: `dw-carrier-doctor-${randomUUID()}` },
  });
  const control = await askControlPlane(probe);
  const { namespace } = probe.connection;
  if (isLost(worker) || isLost(control)) return [namespaceFinding(namespace)];
  return [
    ok("namespace", namespace),
    protocolFinding(worker, version),
    workerFinding(worker, accessOf(control), dispatches),
    controlFinding(control, accessOf(worker)),
  ];
}

/** Whether the engine does not know the namespace that it was asked in. */
export function isLost({ reason }: EngineAnswer): boolean {
  return reason === "namespace_not_found";
}

export function namespaceFinding(namespace: string): Finding {
  const message = `there is no namespace ${namespace}`;
  return fail("namespace", message, "Make it on the engine, or name another with --namespace.");
}

const CONTROL_PLANE = { [CONTROL_PLANE_VERSION_FIELD]: CONTROL_PLANE_VERSION };

/** Servers of April have no standalone activities: they are asked for their workers. */
async function askControlPlane(probe: EngineProbe): Promise<EngineAnswer & { readonly hasActivities: boolean }> {
  const activities = await probe.ask({ path: `${PATHS.activities}?page_size=1`, headers: CONTROL_PLANE });
  if (activities.status !== 404 || isLost(activities)) {
    return { ...activities, hasActivities: true };
  }
  return { ...(await probe.ask({ path: PATHS.workers, headers: CONTROL_PLANE })), hasActivities: false };
}

/** An unknown worker is told so; that it is asked at all means that the token may. */
function accessOf({ status, reason }: EngineAnswer): Access {
  if (status === 200 || reason === "worker_not_registered") return "allowed";
  return status === 403 ? "forbidden" : "unknown";
}

function protocolFinding({ reason, message }: EngineAnswer, version: string): Finding {
  const id = "protocol.accepted";
  if (VERSION_REFUSED.has(reason ?? "")) {
    return fail(id, `the engine refuses worker protocol ${version}: ${message}`, "Upgrade whichever is older.");
  }
  return ok(id, `the engine takes requests of worker protocol ${version}`);
}

function roleOf({ body }: EngineAnswer): string {
  return textAt(body, "role") ?? "another role";
}

function workerFinding(worker: EngineAnswer, control: Access, dispatches: boolean): Finding {
  const id = "auth.worker";
  const access = accessOf(worker);
  if (access === "allowed") return ok(id, "the token may lease and report tasks, as a dispatcher does");
  const remedy =
    "Dispatch with the engine's worker token (DW_WORKER_TOKEN there); no other role may, an admin neither.";
  if (access === "unknown") {
    return fail(
      id,
      `a worker's request was answered ${worker.status}: ${worker.message}`,
      "Look into the engine's logs.",
    );
  }
  const message = `the token is of ${roleOf(worker)}: it may not lease and report tasks`;
  return dispatches || control !== "allowed" ? fail(id, message, remedy) : warn(id, message, remedy);
}

function controlFinding(control: EngineAnswer & { readonly hasActivities: boolean }, worker: Access): Finding {
  const id = "auth.control";
  const access = accessOf(control);
  if (access === "allowed" && control.hasActivities) return ok(id, "the token may start, list and cancel activities");
  if (access === "allowed") {
    const message = "the engine has no standalone activities: they can be started by workflows only";
    return warn(id, message, "Upgrade the engine, to start activities by themselves.");
  }
  if (access === "forbidden") {
    const message = `the token is of ${roleOf(control)}: it may not start, list and cancel activities`;
    return worker === "allowed"
      ? skip(id, message)
      : fail(id, message, "Use an operator's token to start activities, and a worker's to dispatch.");
  }
  return fail(
    id,
    `the list of activities was answered ${control.status}: ${control.message}`,
    "Look into the engine's logs.",
  );
}
