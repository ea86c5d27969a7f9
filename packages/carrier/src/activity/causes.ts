import { readProperty } from "./read-property.js";

/** A circle of causes has an end. */
const MOST_CAUSES = 8;

/**
 * What led to an error, nearest first, at most eight: its `cause`, the errors of an aggregate (`Promise.any`, Node's
 * `fetch`), and those of each of them. Never throws.
 */
export function causesOf(error: unknown): readonly unknown[] {
  const told: unknown[] = [];
  const pending = [...innerErrors(error)];
  while (pending.length > 0 && told.length < MOST_CAUSES) {
    const next = pending.shift();
    told.push(next);
    pending.unshift(...innerErrors(next));
  }
  return told;
}

/** The cause, then the errors of an aggregate. Validators have lists of that name too, of issues that are no errors. */
function innerErrors(error: unknown): readonly unknown[] {
  const errors = readProperty(error, "name") === "AggregateError" ? readProperty(error, "errors") : undefined;
  try {
    return [readProperty(error, "cause"), ...(Array.isArray(errors) ? errors.slice(0, MOST_CAUSES) : [])].filter(
      (inner) => inner !== undefined && inner !== null,
    );
  } catch {
    return [];
  }
}
