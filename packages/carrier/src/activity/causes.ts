/** A circle of causes has an end. */
const MOST_CAUSES = 8;

/**
 * What led to an error, nearest first, at most eight: its `cause`, the errors of an aggregate (`Promise.any`, Node's
 * `fetch`), and those of each of them. Never throws.
 *
 * @param origin stands for the cause of an error that has none
 */
export function causesOf(error: unknown, origin?: unknown): readonly unknown[] {
  const told: unknown[] = [];
  const own = innerErrors(error);
  const pending = own.length === 0 && isSomething(origin) ? [origin] : own;
  while (pending.length > 0 && told.length < MOST_CAUSES) {
    const next = pending.shift();
    told.push(next);
    pending.unshift(...innerErrors(next));
  }
  return told;
}

/** A property of any value; undefined where there is none, or reading it throws. */
export function readProperty(value: unknown, property: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return (value as Record<string, unknown>)[property];
  } catch {
    return undefined;
  }
}

/** The cause, then the errors of an aggregate. */
function innerErrors(error: unknown): unknown[] {
  const cause = readProperty(error, "cause");
  return [...(isSomething(cause) ? [cause] : []), ...aggregated(error)];
}

function aggregated(error: unknown): readonly unknown[] {
  // Validators have lists of that name too, of issues that are no errors.
  if (readProperty(error, "name") !== "AggregateError" && !isAggregate(error)) return [];
  const errors = readProperty(error, "errors");
  try {
    return Array.isArray(errors) ? errors.slice(0, MOST_CAUSES).filter(isSomething) : [];
  } catch {
    return [];
  }
}

function isAggregate(error: unknown): boolean {
  try {
    return error instanceof AggregateError;
  } catch {
    return false;
  }
}

function isSomething(value: unknown): boolean {
  return value !== undefined && value !== null;
}
