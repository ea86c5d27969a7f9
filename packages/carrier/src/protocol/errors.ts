import { type ContractViolation, toViolation, violationMessage } from "./fields.js";

/** Errors carry this brand, so that they are recognised across duplicate installs, where `instanceof` fails. */
const BRAND = Symbol.for("durable-workflow.protocol-error");

type ContractDocument = "external-task-input" | "external-task-result";

class ContractError extends Error {
  /** Where in the document, as in `task.attempt`; empty for the document itself. */
  readonly path: string;
  /** What the contract expects there. */
  readonly expected: string;

  constructor(violation: ContractViolation) {
    super(violationMessage(violation));
    this.path = violation.path;
    this.expected = violation.expected;
  }
}

/**
 * A document is not an external task input: no task identity can be taken from it, so nothing can be answered in the
 * contract's own terms. A carrier turns it into HTTP 400.
 */
export class ExternalTaskInputError extends ContractError {
  override readonly name = "ExternalTaskInputError";
  readonly [BRAND]: ContractDocument = "external-task-input";
}

/** A document is not an external task result. A caller turns it into `malformed_output`. */
export class ExternalTaskResultError extends ContractError {
  override readonly name = "ExternalTaskResultError";
  readonly [BRAND]: ContractDocument = "external-task-result";
}

function hasBrand(error: unknown, document: ContractDocument): boolean {
  return typeof error === "object" && error !== null && (error as { [BRAND]?: unknown })[BRAND] === document;
}

/** True for an {@link ExternalTaskInputError} of any copy of this library. */
export function isExternalTaskInputError(error: unknown): error is ExternalTaskInputError {
  return hasBrand(error, "external-task-input");
}

/** True for an {@link ExternalTaskResultError} of any copy of this library. */
export function isExternalTaskResultError(error: unknown): error is ExternalTaskResultError {
  return hasBrand(error, "external-task-result");
}

export function throwInputError(path: string, expected: string, received: unknown): never {
  throw new ExternalTaskInputError(toViolation(path, expected, received));
}

export function throwResultError(path: string, expected: string, received: unknown): never {
  throw new ExternalTaskResultError(toViolation(path, expected, received));
}
