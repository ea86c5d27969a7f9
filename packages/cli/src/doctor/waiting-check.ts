import { readActivityPage, readWorkerPage, WrongAnswer } from "@durable-workflow/client/tools";
import { CONTROL_PLANE_VERSION, CONTROL_PLANE_VERSION_FIELD, PATHS } from "@durable-workflow/engine-protocol";
import { allUntaken } from "../engine/takers.js";
import type { EngineProbe } from "./engine-probe.js";
import { type Finding, ok, skip, warn } from "./finding.js";

const ID = "workers";
const HEADERS = { [CONTROL_PLANE_VERSION_FIELD]: CONTROL_PLANE_VERSION };

/** Whether activities run that no registered worker takes: they wait, and nobody says so. The newest are looked at. */
export async function waitingFinding(probe: EngineProbe): Promise<Finding> {
  const running = await probe.ask({ path: `${PATHS.activities}?status=running&page_size=200`, headers: HEADERS });
  const registered = await probe.ask({ path: PATHS.workers, headers: HEADERS });
  if (running.status !== 200 || registered.status !== 200) {
    return skip(ID, "the token may not list activities and workers: whether any waits for a worker is not known");
  }
  try {
    const { activities } = readActivityPage(running.body);
    const { workers, next_page_token: more } = readWorkerPage(registered.body);
    if (more !== null) return skip(ID, "there are more workers than are looked at");
    const waiting = [...allUntaken(activities, workers).values()].map(({ message }) => message);
    if (waiting.length === 0) return ok(ID, "every activity that runs has a worker that takes it");
    return warn(ID, waiting.join("; "), "Start a worker that takes it, or cancel it and start what was meant.");
  } catch (error) {
    if (!(error instanceof WrongAnswer)) throw error;
    return skip(ID, `the lists of activities and workers cannot be read: ${error.message}`);
  }
}
