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

export const runtimeExceptions: readonly RuntimeException[] = [];
