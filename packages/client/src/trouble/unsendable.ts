import { isPayloadError } from "@durable-workflow/carrier/payload";
import { ClientError } from "../errors/client-error.js";

/** Arguments that have no form on the wire; what their own code threw is passed on. */
export function unsendable(type: string, cause: unknown): unknown {
  if (!isPayloadError(cause)) return cause;
  return new ClientError("invalid", `the arguments of ${type} cannot be sent: ${cause.message}`, { cause });
}
