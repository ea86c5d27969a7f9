import type { ExternalExecutor } from "../executor/external-executor.js";
import type { Gate } from "../http/auth.js";
import type { ResolvedOptions } from "../options.js";
import type { PayloadKeeper } from "../payloads/keeper.js";
import type { EngineContext } from "../service/context.js";
import type { DueTimer } from "../service/due-timer.js";
import type { Polls } from "../service/polls.js";
import type { Pruner } from "../service/pruner.js";

/** What the routes work with. */
export interface ApiParts {
  readonly context: EngineContext;
  readonly polls: Polls;
  readonly dueTimer: DueTimer;
  /** Undefined when closed runs are kept. */
  readonly pruner: Pruner | undefined;
  readonly executor: ExternalExecutor;
  readonly keeper: PayloadKeeper;
  readonly gate: Gate;
  readonly options: ResolvedOptions;
}

export const WORKER_ROLES = ["worker"] as const;
export const CONTROL_ROLES = ["operator", "admin"] as const;
export const ADMIN_ROLES = ["admin"] as const;
export const ALL_ROLES = ["worker", "operator", "admin"] as const;
