import { describeReceived } from "../../protocol/fields.js";
import { isThenable } from "../quietly.js";
import type { ContextSource } from "../run/run-context.js";
import { type ActivityDefinition, isActivityDefinition } from "./define-activity.js";
import type { ActivityInterceptors } from "./interceptor.js";

/**
 * An activity: takes the task's arguments, as in the other SDKs, and returns a payload value, or a promise of one.
 * It is called without `this`. `undefined` as return value is null.
 */
export type ActivityFunction = (...args: never[]) => unknown;

/** A plain function, which gets the task's arguments, or a definition, whose `run` gets a context in front of them. */
export type ActivityHandler = ActivityFunction | ActivityDefinition;

/**
 * Activities by their type, the name that the engine schedules them under: in an object or a Map, or in a list of
 * definitions with a name of their own. A definition's own name counts before its key. Functions in a list go by
 * `function.name`, which bundlers that minify change: name them in an object, or with `defineActivity`.
 */
export type ActivityHandlers =
  | Readonly<Record<string, ActivityHandler>>
  | ReadonlyMap<string, ActivityHandler>
  | readonly ActivityHandler[];

/**
 * As {@link ActivityHandlers}, and objects that are typed by an interface, which TypeScript gives no index signature; but no
 * generators, of which nobody would ask for a value.
 */
export type HandlersOf<Handlers> = (
  | ActivityHandlers
  | (Handlers & { readonly [Type in keyof Handlers]: ActivityHandler })
) &
  WithoutGenerators<Handlers>;

type WithoutGenerators<Handlers> = Handlers extends readonly (infer Activity)[]
  ? RefusedWhere<true extends IsGenerator<Activity> ? 0 : never>
  : RefusedWhere<
      { [Type in keyof Handlers]-?: IsGenerator<Handlers[Type]> extends true ? Type : never }[keyof Handlers]
    >;
/** Nothing is asked for where there is none: a mapped type would ask for an index signature. */
type RefusedWhere<Types extends PropertyKey> = [Types] extends [never]
  ? unknown
  : { readonly [Type in Types]: GeneratorRefused };
type IsGenerator<Activity> = Activity extends (...args: never[]) => infer Returned
  ? Yields<Returned>
  : Activity extends { readonly run: (...args: never[]) => infer Returned }
    ? Yields<Returned>
    : false;
/** False for `any` and `never`, which extend everything. */
type Yields<Returned> = [unknown] extends [Returned]
  ? false
  : [Returned] extends [never]
    ? false
    : [Returned] extends [Generator<unknown, unknown, never> | AsyncGenerator<unknown, unknown, never>]
      ? true
      : false;
/** What the compiler's message shows. */
type GeneratorRefused = "An activity returns one value: a generator's would be read by nobody. Return a list of them.";

/** An activity as the handler calls it. */
export type RegisteredActivity = (source: ContextSource, args: readonly unknown[]) => unknown;

/**
 * Reads the handlers once, into a Map: `handlers["constructor"]` of an object is a function too.
 *
 * @throws {TypeError} for what holds no functions and definitions, an empty name, and a name that two activities have
 */
export function registerActivities(
  handlers: ActivityHandlers,
  interceptors?: ActivityInterceptors,
): ReadonlyMap<string, RegisteredActivity> {
  if (typeof handlers !== "object" || handlers === null || isActivityDefinition(handlers) || isThenable(handlers)) {
    throw new TypeError("handlers must be an object, a Map or a list of activities");
  }
  const isEntries = Array.isArray(handlers) || handlers instanceof Map;
  if (!isEntries && hasMethods(handlers)) {
    throw new TypeError("handlers must not be a class instance: name its methods, { greet: (name) => it.greet(name) }");
  }
  const registry = new Map<string, RegisteredActivity>();
  for (const [key, handler] of isEntries ? handlers.entries() : Object.entries(handlers)) {
    const own: unknown = isActivityDefinition(handler) || Array.isArray(handlers) ? handler?.name : undefined;
    const type = own ?? key;
    const activity = toActivity(type, handler, interceptors);
    if (typeof type !== "string" || type.trim() === "") {
      throw new TypeError("an activity needs a name: use an object, or defineActivity({ name, run })");
    }
    if (registry.has(type)) throw new TypeError(`two activities have the name ${type}`);
    registry.set(type, activity);
  }
  return registry;
}

/** Whether it is an instance of a class with methods, which would be passed over without a word. */
function hasMethods(handlers: object): boolean {
  const prototype = Object.getPrototypeOf(handlers) as object | null;
  // The last is what every object has.
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return false;
  const isClass = prototype.constructor?.prototype === prototype;
  return (isClass && Object.getOwnPropertyNames(prototype).length > 1) || hasMethods(prototype);
}

function toActivity(
  type: unknown,
  handler: unknown,
  interceptors: ActivityInterceptors | undefined,
): RegisteredActivity {
  const isDefinition = isActivityDefinition(handler);
  if (!isDefinition && typeof handler !== "function") {
    const received = describeReceived(handler);
    throw new TypeError(`the activity ${String(type)} must be a function or made by defineActivity, got ${received}`);
  }
  const call = handler as (...args: unknown[]) => unknown;
  const activity: RegisteredActivity = isDefinition
    ? (source, args) => handler["~call"](type as string, source, args)
    : (_source, args) => call(...args);
  return interceptors === undefined ? activity : interceptors["~around"](activity);
}
