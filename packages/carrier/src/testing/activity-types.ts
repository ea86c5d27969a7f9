import type { ActivityDefinition } from "../activity/definition/define-activity.js";
import type { ActivityFunction, ActivityHandler } from "../activity/definition/registry.js";

/** The arguments that a workflow sends to an activity. */
export type ActivityArguments<Activity extends ActivityHandler> =
  Activity extends ActivityDefinition<infer Args, unknown, unknown>
    ? Args
    : Activity extends (...args: infer Args) => unknown
      ? Args
      : never;

/** What a workflow gets back from an activity, as the types have it; on its way it becomes a payload value. */
export type ActivityResult<Activity extends ActivityHandler> =
  Activity extends ActivityDefinition<readonly unknown[], infer Result, unknown>
    ? Result
    : Activity extends ActivityFunction
      ? Awaited<ReturnType<Activity>>
      : never;
