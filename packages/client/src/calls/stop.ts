import { PATHS, pathTo } from "@durable-workflow/engine-protocol";
import { ClientError } from "../errors/client-error.js";
import type { Bounds, Engine } from "../wire/engine.js";

export interface StopOrder {
  readonly how: "cancel" | "terminate";
  readonly id: string;
  readonly runId: string | undefined;
  readonly reason: string | undefined;
}

/**
 * Cancels or terminates. A run that is named is stopped and no other: where the engine cannot do so by itself, the id is
 * stopped while that run is its newest.
 *
 * @returns false when it had ended before
 * @throws {ClientError}
 */
export async function stop(engine: Engine, order: StopOrder, bounds: Bounds): Promise<boolean> {
  const { how, id, runId } = order;
  if (runId !== undefined && engine.stopsRuns !== false) {
    const pattern = how === "cancel" ? PATHS.cancelRun : PATHS.terminateRun;
    const stopped = await stopAt(engine, pathTo(pattern, { id, run: runId }), order, bounds);
    engine.stopsRuns = stopped !== "no_route";
    if (stopped !== "no_route") return stopped;
  }
  if (runId !== undefined) {
    const { description } = await engine.describe(id, bounds);
    // A newer run began after this one had ended.
    if (description.runId !== runId || description.status !== "running") return false;
  }
  const stopped = await stopAt(engine, pathTo(PATHS[how], { id }), order, bounds);
  if (stopped !== "no_route") return stopped;
  throw new ClientError("not_an_engine", `${engine.url} cannot ${how} activities: it has no such route`);
}

async function stopAt(
  engine: Engine,
  path: string,
  { how, id, runId, reason }: StopOrder,
  bounds: Bounds,
): Promise<boolean | "no_route"> {
  const about = { what: `${how === "cancel" ? "cancelling" : "terminating"} ${id}`, activityId: id, acts: true };
  let isRepeated = false;
  try {
    const body = JSON.stringify(reason === undefined ? {} : { reason });
    await engine.ask({ method: "POST", path, body }, about, bounds, { onRepeat: () => (isRepeated = true) });
    return true;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    if (error.status === 405 || (error.status === 404 && error.code === "not_an_engine")) return "no_route";
    if (error.status !== 409 || error.reason !== "run_not_active") throw error;
    if (!isRepeated) return false;
    // The try before may have been the one that ended it.
    const { description } = await engine.describe(id, bounds);
    const isSame = runId === undefined || description.runId === runId;
    return isSame && description.status === (how === "cancel" ? "cancelled" : "terminated");
  }
}
