import type { DeliveryAnswer } from "../delivery/answer.js";
import { likelyCause, MALFORMED_OUTPUT, type Report } from "../delivery/result-mapping.js";
import type { CarrierBreaker } from "./breaker.js";

/**
 * A carrier that answers in its own terms works, whatever it says; one that does not is counted, and so is one that nothing
 * can be sent to, for want of a mapping or a credential: whoever leases on burns attempts.
 */
export function judgeCarrier(answer: DeliveryAnswer, report: Report, breaker: CarrierBreaker): void {
  // What a task wants that nobody here can give says nothing of the carrier.
  if (answer.kind === "refused" && answer.code === "worker_session_unsupported") return;
  if (answer.kind === "handled") return;
  if (isCarriersFault(answer, report)) breaker.failed();
  // A deadline that had passed before anything was sent says nothing of the carrier.
  else if (answer.kind !== "timeout") breaker.succeeded();
}

function isCarriersFault(answer: DeliveryAnswer, report: Report): boolean {
  switch (answer.kind) {
    case "handled":
    case "process":
      return false;
    case "http": {
      const isResult = report.kind === "complete" || report.failure.type !== MALFORMED_OUTPUT;
      return !isResult && (answer.temporary || likelyCause(answer.status) !== undefined);
    }
    case "timeout":
      return answer.afterMs > 0;
    case "unreachable":
    case "refused":
      return true;
  }
}
