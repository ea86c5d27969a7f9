import type { ActivityFunction } from "../../activity/definition/registry.js";
import { ActivityCancelled, ActivityFailure, NonRetryableError } from "../../activity/errors.js";
import { avroDouble } from "../../payload/value.js";

/**
 * The activities that a carrier registers to be tested with the conformance cases. In another language they are written
 * to the same description; none of them looks at deadlines, cancellation or the attempt.
 */
export const conformanceHandlers: Readonly<Record<string, ActivityFunction>> = {
  /** Returns its first argument as it came: an integer as an integer, bytes as bytes, a list as a list. */
  "conformance.echo": (value: unknown) => value,

  /** Returns the list of all its arguments. */
  "conformance.arguments": (...args: unknown[]) => args,

  /** Returns how many arguments it got. */
  "conformance.count": (...args: unknown[]) => args.length,

  /** Returns the integer it is given as a double: 7 as 7.0. */
  "conformance.as-double": (value: number) => avroDouble(value),

  /** Returns nothing at all, as a function without a return value does in the language. */
  "conformance.nothing": () => {},

  /** Returns `milliseconds` after waiting so long, whatever happens meanwhile. */
  "conformance.sleep": (milliseconds: number) =>
    new Promise((resolve) => {
      setTimeout(resolve, milliseconds, milliseconds);
    }),

  /** Throws an error named `ConformanceFailure` with that message. Running it again may help. */
  "conformance.fail": (message: string) => {
    throw named("ConformanceFailure", message);
  },

  /** Throws an error named `ConformanceFailure` without a message. */
  "conformance.fail-without-message": () => {
    throw named("ConformanceFailure", "");
  },

  /** Throws the language's own error for a value of the wrong type. */
  "conformance.fail-type-error": () => {
    throw new TypeError("conformance: a value of the wrong type");
  },

  /** Throws an error named `ConformanceRefusal` with that message, marked as not to be retried. */
  "conformance.fail-non-retryable": (message: string) => {
    throw new NonRetryableError(message, { type: "ConformanceRefusal" });
  },

  /** Throws an error named `ConformanceFailure` with that message and those details. */
  "conformance.fail-with-details": (message: string, details: unknown) => {
    throw new ActivityFailure(message, { type: "ConformanceFailure", details });
  },

  /** Reports that it was cancelled, with that message. */
  "conformance.cancel": (message: string) => {
    throw new ActivityCancelled(message);
  },

  /** Returns a value that no payload can hold: a double that is not a number. */
  "conformance.return-unencodable": () => Number.NaN,
};

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
