import { readProperty } from "../activity/read-property.js";
import { BrandedError, brandOf } from "../protocol/brand.js";

/** Why a request's body is not there. */
export type InvocableBodyProblem =
  | "not_utf8" // it has other bytes: no retry will help
  | "consumed" // something before the adapter read it and left nothing
  | "too_large" // the platform's own limit
  | "unreadable"; // reading failed

/** Thrown by `InvocableHttpRequest.body`: it says which answer is due. Another error stands for `unreadable`. */
export class InvocableBodyError extends BrandedError {
  declare readonly name: "InvocableBodyError";
  readonly problem: InvocableBodyProblem;

  constructor(problem: InvocableBodyProblem, message: string, options?: ErrorOptions) {
    super("InvocableBodyError", message, options);
    this.problem = problem;
  }
}

/** True for an {@link InvocableBodyError} of any copy of this library. */
export function isInvocableBodyError(value: unknown): value is InvocableBodyError {
  return brandOf(value) === "InvocableBodyError";
}

/** Errors of frameworks for a body over their own limit have the status 413. */
export function bodyError(error: unknown): InvocableBodyError {
  if (isInvocableBodyError(error)) return error;
  return [readProperty(error, "status"), readProperty(error, "statusCode")].includes(413)
    ? new InvocableBodyError("too_large", "The request body is over a limit of the platform.", { cause: error })
    : new InvocableBodyError("unreadable", "The request body could not be read.", { cause: error });
}
