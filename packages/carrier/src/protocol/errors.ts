import { BrandedError, brandOf } from "./brand.js";
import { type ContractViolation, violationMessage } from "./fields.js";

class ContractError extends BrandedError {
  /** Where in the document, as in `task.attempt`; empty for the document itself. */
  readonly path: string;
  /** What the contract expects there. */
  readonly expected: string;

  constructor(name: string, violation: ContractViolation) {
    super(name, violationMessage(violation));
    this.path = violation.path;
    this.expected = violation.expected;
  }
}

/**
 * A document is not an external task input: no task identity can be taken from it, so nothing can be answered in the
 * contract's own terms. A carrier turns it into HTTP 400.
 */
export class ExternalTaskInputError extends ContractError {
  declare readonly name: "ExternalTaskInputError";

  constructor(violation: ContractViolation) {
    super("ExternalTaskInputError", violation);
  }
}

/** A document is not an external task result. A caller turns it into `malformed_output`. */
export class ExternalTaskResultError extends ContractError {
  declare readonly name: "ExternalTaskResultError";

  constructor(violation: ContractViolation) {
    super("ExternalTaskResultError", violation);
  }
}

/** A document is no reference to an externally stored payload. A carrier answers `unsupported_payload_reference`. */
export class ExternalPayloadReferenceError extends ContractError {
  declare readonly name: "ExternalPayloadReferenceError";

  constructor(violation: ContractViolation) {
    super("ExternalPayloadReferenceError", violation);
  }
}

/** A document is no storage policy, or the policy does not say enough to make a driver. */
export class ExternalPayloadStoragePolicyError extends ContractError {
  declare readonly name: "ExternalPayloadStoragePolicyError";

  constructor(violation: ContractViolation) {
    super("ExternalPayloadStoragePolicyError", violation);
  }
}

/** True for an {@link ExternalTaskInputError} of any copy of this library. */
export function isExternalTaskInputError(error: unknown): error is ExternalTaskInputError {
  return brandOf(error) === "ExternalTaskInputError";
}

/** True for an {@link ExternalTaskResultError} of any copy of this library. */
export function isExternalTaskResultError(error: unknown): error is ExternalTaskResultError {
  return brandOf(error) === "ExternalTaskResultError";
}

/** True for an {@link ExternalPayloadReferenceError} of any copy of this library. */
export function isExternalPayloadReferenceError(error: unknown): error is ExternalPayloadReferenceError {
  return brandOf(error) === "ExternalPayloadReferenceError";
}

/** True for an {@link ExternalPayloadStoragePolicyError} of any copy of this library. */
export function isExternalPayloadStoragePolicyError(error: unknown): error is ExternalPayloadStoragePolicyError {
  return brandOf(error) === "ExternalPayloadStoragePolicyError";
}

export function throwInputError(path: string, expected: string, received: string): never {
  throw new ExternalTaskInputError({ path, expected, received });
}

export function throwResultError(path: string, expected: string, received: string): never {
  throw new ExternalTaskResultError({ path, expected, received });
}

export function throwReferenceError(path: string, expected: string, received: string): never {
  throw new ExternalPayloadReferenceError({ path, expected, received });
}

export function throwPolicyError(path: string, expected: string, received: string): never {
  throw new ExternalPayloadStoragePolicyError({ path, expected, received });
}
