import { describeReceived } from "../../protocol/fields.js";
import type { ActivityContext } from "../context.js";
import { isThenable } from "../quietly.js";
import { type ActivityDefinition, isActivityDefinition } from "./define-activity.js";
import { type ActivityInterceptor, applyInterceptors } from "./interceptor.js";

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

/** An activity as the handler calls it. The context is made when it is first asked for. */
export type RegisteredActivity = (context: () => ActivityContext, args: readonly unknown[]) => unknown;

/**
 * Reads the handlers once, into a Map: `handlers["constructor"]` of an object is a function too.
 *
 * @throws {TypeError} for what holds no functions and definitions, an empty name, and a name that two activities have
 */
export function registerActivities(
  handlers: ActivityHandlers,
  interceptors: readonly ActivityInterceptor[] = [],
): ReadonlyMap<string, RegisteredActivity> {
  if (typeof handlers !== "object" || handlers === null || isActivityDefinition(handlers) || isThenable(handlers)) {
    throw new TypeError("handlers must be an object, a Map or a list of functions and definitions");
  }
  if (hasMethods(handlers)) {
    throw new TypeError("handlers must not be a class instance: name its methods, { greet: (name) => it.greet(name) }");
  }
  const registry = new Map<string, RegisteredActivity>();
  for (const [key, handler] of entriesOf(handlers)) {
    const type = isActivityDefinition(handler) ? (handler.name ?? key) : key;
    if (typeof type !== "string" || type.trim() === "") throw new TypeError(missingName(handlers, handler));
    if (registry.has(type)) throw new TypeError(`two activities have the name ${type}: names must be unique`);
    registry.set(type, toActivity(type, handler, interceptors));
  }
  return registry;
}

function entriesOf(handlers: ActivityHandlers): Iterable<readonly [unknown, unknown]> {
  if (Array.isArray(handlers)) {
    return handlers.map((handler: unknown) => [typeof handler === "function" ? handler.name : undefined, handler]);
  }
  return handlers instanceof Map ? handlers : Object.entries(handlers);
}

/** Whether it is an instance of a class with methods, which would be passed over without a word. */
function hasMethods(handlers: ActivityHandlers): boolean {
  if (Array.isArray(handlers) || handlers instanceof Map) return false;
  let prototype: object | null = Object.getPrototypeOf(handlers);
  for (let next; prototype !== null; prototype = next) {
    next = Object.getPrototypeOf(prototype) as object | null;
    // The last is what every object has.
    if (
      next !== null &&
      isClass(prototype.constructor, prototype) &&
      Object.getOwnPropertyNames(prototype).length > 1
    ) {
      return true;
    }
  }
  return false;
}

function isClass(constructor: unknown, prototype: object): boolean {
  return typeof constructor === "function" && constructor.prototype === prototype;
}

function missingName(handlers: ActivityHandlers, handler: unknown): string {
  if (!Array.isArray(handlers)) return "an activity type must be a non-empty string";
  if (typeof handler === "function" || isActivityDefinition(handler)) {
    return "an activity in a list needs a name: give it one with defineActivity({ name, run }), or use an object";
  }
  return `an activity in a list must be a function or a definition, got ${describeReceived(handler)}`;
}

function toActivity(type: string, handler: unknown, interceptors: readonly ActivityInterceptor[]): RegisteredActivity {
  if (isActivityDefinition(handler)) {
    const run = applyInterceptors((context, args) => handler["~call"](type, context, args), interceptors);
    return (context, args) => run(context(), args);
  }
  if (typeof handler !== "function") {
    const received = describeReceived(handler);
    throw new TypeError(`the handler of ${type} must be a function or made by defineActivity, got ${received}`);
  }
  const activity = handler as (...args: unknown[]) => unknown;
  if (interceptors.length === 0) return (_context, args) => activity(...args);
  const run = applyInterceptors((_context, args) => activity(...args), interceptors);
  return (context, args) => run(context(), args);
}
