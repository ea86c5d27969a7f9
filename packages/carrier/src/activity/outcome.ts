import type { FailureClassification, FailureKind } from "../protocol/constants.js";

/** What became of a task, as its result envelope says it; without values, messages and stack traces. */
export type ActivityOutcome =
  | { readonly status: "succeeded" }
  | {
      readonly status: "failed";
      readonly kind: FailureKind;
      readonly classification: FailureClassification;
      /** `failure.type`: the error's name unless it was given. */
      readonly type: string | null;
      readonly retryable: boolean;
    };
