import { describeReceived } from "../protocol/fields.js";

/**
 * An activity: takes the task's arguments, as in the other SDKs, and returns a payload value, or a promise of one.
 * It is called without `this`. `undefined` as return value is null.
 */
export type ActivityFunction = (...args: never[]) => unknown;

/** Activities by their type, the name that the engine schedules them under. */
export type ActivityHandlers = Readonly<Record<string, ActivityFunction>> | ReadonlyMap<string, ActivityFunction>;

/** An activity as the handler calls it. */
export type RegisteredActivity = (args: readonly unknown[]) => unknown;

/**
 * Reads the handlers once, into a Map: `handlers["constructor"]` of an object is a function too.
 *
 * @throws {TypeError} for what is no object or Map of functions, and for an empty name
 */
export function registerActivities(handlers: ActivityHandlers): ReadonlyMap<string, RegisteredActivity> {
  if (typeof handlers !== "object" || handlers === null || Array.isArray(handlers)) {
    throw new TypeError("handlers must be an object or a Map of functions");
  }
  const entries: Iterable<[unknown, unknown]> = handlers instanceof Map ? handlers : Object.entries(handlers);
  const registry = new Map<string, RegisteredActivity>();
  for (const [type, handler] of entries) {
    if (typeof type !== "string" || type.trim() === "")
      throw new TypeError("an activity type must be a non-empty string");
    if (typeof handler !== "function") {
      throw new TypeError(`the handler of ${type} must be a function, got ${describeReceived(handler)}`);
    }
    const activity = handler as (...args: unknown[]) => unknown;
    registry.set(type, (args) => activity(...args));
  }
  return registry;
}
