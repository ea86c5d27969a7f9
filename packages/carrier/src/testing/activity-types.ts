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

/** A definition's own name counts before its key. */
type TypeOf<Key, Activity> = Activity extends { readonly name: infer Name extends string }
  ? string extends Name
    ? Key
    : Name
  : Key;

/** Activities by their type, as far as the compiler knows which: those of a Map are not told apart. */
export type ActivitiesOf<Handlers> =
  Handlers extends ReadonlyMap<string, ActivityHandler>
    ? object
    : Handlers extends readonly (infer Each)[]
      ? { readonly [Activity in Each as TypeOf<never, Activity> & string]: Activity }
      : { readonly [Key in keyof Handlers as TypeOf<Key, Handlers[Key]> & string]: Handlers[Key] };
