import type { RuntimeExpectation } from "./cases.js";

/** Where a platform cannot do what a case promises. An entry that is not needed any more fails. */
export interface RuntimeException {
  /** Names of platforms. */
  readonly platforms: readonly string[];
  readonly case: string;
  readonly why: string;
  /** What is to come instead, for the step that differs. */
  readonly instead: RuntimeExpectation;
}

const SLEPT_ON: RuntimeExpectation = { outcome: "success", value: "nothing" };
const TOLD: RuntimeExpectation = { outcome: "refusal", status: 500, error: "request_body_unavailable" };

export const runtimeExceptions: readonly RuntimeException[] = [
  {
    platforms: ["Deno", "workerd"],
    case: "platform/disconnect",
    why: "The platform does not abort request.signal when a client goes away.",
    instead: SLEPT_ON,
  },
  {
    platforms: ["Bun", "Deno", "workerd"],
    case: "requests/read-before",
    why: "A Request keeps nothing of a body that was read; the carrier says so, and the task may be sent again.",
    instead: TOLD,
  },
];
