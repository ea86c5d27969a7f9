import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import { ClientError } from "../errors/client-error.js";
import type { ActivityDescription, ActivityHandle } from "../handle.js";
import type { Bounds, Engine, StartTry } from "../wire/engine.js";

export interface Begun {
  readonly runId: string;
  /** False for one that was there before. */
  readonly started: boolean;
  /** Of one whose end came with the answer. */
  readonly ended?: ActivityDescription | undefined;
}

export interface StartOrder {
  readonly request: StartRequest & { readonly activity_id: string };
  /** Whether the id was made by this client, for this start alone. */
  readonly isOwnId: boolean;
  readonly onRunning: "error" | "attach";
  readonly onClosed: "restart" | "attach";
  /** Seconds for which the engine is to hold its answer back until there is an end. Default 0. */
  readonly wait?: number;
  readonly handleOf: (begun: Partial<Begun>) => ActivityHandle<unknown> | undefined;
}

/** What is loaded when the first try did not go well, or one that has ended is to be looked for before. */
export type LoadStartAgain = () => Promise<{
  readonly startAgain: (
    engine: Engine,
    order: StartOrder,
    bounds: Bounds,
    first: StartTry | undefined,
  ) => Promise<Begun>;
}>;

/** One start, to its handle: most need one try. @throws {ClientError}; the scope's reason */
export async function begin(engine: Engine, order: StartOrder, bounds: Bounds, load: LoadStartAgain): Promise<Begun> {
  const first = order.onClosed === "attach" ? undefined : await engine.tryStart(order.request, bounds, order.wait);
  if (first?.runId !== undefined) return { runId: first.runId, started: true, ended: first.ended };
  const { startAgain } = await load().catch((cause: ClientError) => {
    if (first === undefined) throw cause;
    const { activity_type: type, activity_id: id } = order.request;
    const told = `starting ${type}: whether ${id} is there is not known (${cause.message})`;
    throw new ClientError("start_unknown", told, { cause, mayHaveActed: true, handle: order.handleOf({}) });
  });
  return startAgain(engine, order, bounds, first);
}
