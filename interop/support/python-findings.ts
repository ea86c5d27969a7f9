/** Why the Python carrier fails a conformance case. What is listed and does not fail any more fails the suite. */
export interface Explanation {
  readonly cases: readonly string[];
  /** What its source does instead. */
  readonly why: string;
}

export const PYTHON_FINDINGS: readonly Explanation[] = [
  {
    cases: ["envelope/empty-list-as-headers"],
    why: "`parse_external_task_input` wants a mapping; a PHP server writes an empty one as `[]`.",
  },
  {
    cases: ["undecodable/neither-true-nor-false", "undecodable/long-beyond-64-bits"],
    why: "fastavro takes every byte but 0 for true, and lets the bits of an integer beyond 64 fall away.",
  },
  {
    cases: ["undecodable/trailing-bits"],
    why: "`base64.b64decode(validate=True)` does not look at the bits that the last character has to spare.",
  },
  {
    cases: [
      "codec/json",
      "codec/upper-case",
      "codec/empty",
      "codec/none",
      "codec/null",
      "codec/number",
      "codec/empty-payload",
      "reference/no-driver",
    ],
    why: "Every `ValueError` of reading the arguments is answered as a decode failure, an unknown codec or reference too.",
  },
  {
    cases: ["failure/type-error"],
    why: "`TypeError` and `ValueError` count as decode failures wherever they come from, the handler's own included.",
  },
  {
    cases: ["result/unencodable"],
    why: "The result is encoded outside of what catches errors, so that the whole request is refused with 400.",
  },
  {
    cases: ["failure/no-message"],
    why: "The message is `str(error)`, which is empty where the error has no arguments.",
  },
  {
    cases: ["failure/details"],
    why: "An error cannot carry details to a carrier's failure: the SDK has no place for them.",
  },
  {
    cases: ["cancellation/reported"],
    why: "The message of a cancellation is a fixed sentence, whatever the handler said.",
  },
  {
    cases: ["deadlines/details-tagged"],
    why: "Details are a plain object without a codec.",
  },
  {
    cases: ["deadlines/schedule-to-start-after-start"],
    why: "`schedule_to_start` is one of the deadlines that a running handler is waited for.",
  },
  {
    cases: ["deadlines/unreadable-date-only", "timestamps/lower-case"],
    why: "`datetime.fromisoformat` takes a date without a time, and no lower-case letters.",
  },
  {
    cases: [
      "lease/renewed-by-caller",
      "lease/renewed-by-caller-past-on-receipt/lease.expires_at",
      "lease/renewed-by-caller-past-on-receipt/deadlines.heartbeat",
    ],
    why: "`lease.renewed_by` is an addition of ours that it does not know: the lease bounds the handler.",
  },
  {
    cases: ["lease/sent-at/clock-ahead"],
    why: "`lease.sent_at` is an addition of ours that it does not know: deadlines are judged by its own clock.",
  },
  {
    cases: ["input/version-true"],
    why: "`True == 1` in Python, and the version is compared by `==`.",
  },
  {
    cases: ["undecodable/nested-without-end"],
    why: "fastavro's reader calls itself for each level, in C: the process ends with a segmentation fault.",
  },
];
