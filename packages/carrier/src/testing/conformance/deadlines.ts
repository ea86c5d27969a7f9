import { timestampAt } from "../build-task-input.js";
import { task, variants } from "./request.js";
import type { ActivityTaskOptions } from "./tasks.js";
import type { ConformanceCase, DeadlineField, ExpectedFailure } from "./types.js";

/** Far enough to arrive in time, near enough to wait for. */
const SOON_MS = 1000;
const AFTER_SOON_MS = 1600;
const MUCH_LATER_MS = 8000;

const EXCEEDED = {
  outcome: "failure",
  kind: "timeout",
  classification: "deadline_exceeded",
  type: "ExternalTaskDeadlineExceeded",
  timeoutType: "deadline_exceeded",
  retryable: true,
} as const satisfies ExpectedFailure;

/** A handler that was started is ended by a timer, which may be the language's own. */
const EXCEEDED_WHILE_RUNNING = { ...EXCEEDED, ownTimeout: true } as const satisfies ExpectedFailure;

const UNREADABLE = {
  outcome: "failure",
  kind: "decode_failure",
  classification: "decode_failure",
  retryable: false,
} as const satisfies ExpectedFailure;

const DEADLINES: readonly DeadlineField[] = [
  "lease.expires_at",
  "deadlines.schedule_to_start",
  "deadlines.start_to_close",
  "deadlines.schedule_to_close",
  "deadlines.heartbeat",
];

const WHILE_RUNNING = DEADLINES.filter((name) => name !== "deadlines.schedule_to_start");

/** The last two are not RFC 3339 by its grammar, but pass where a platform's lenient parser is used. */
const NO_TIMESTAMPS = [
  { id: "deadlines/unreadable-word", value: "tomorrow" },
  { id: "deadlines/unreadable-empty", value: "" },
  { id: "deadlines/unreadable-number", value: "32503680000" },
  { id: "deadlines/unreadable-month", value: "2999-13-01T00:00:00Z" },
  { id: "deadlines/unreadable-day", value: "2999-02-30T00:00:00Z" },
  { id: "deadlines/unreadable-date-only", value: "2999-06-01" },
  { id: "deadlines/unreadable-rfc-1123", value: "Sat, 01 Jun 2999 00:00:00 GMT" },
];

export const deadlineCases: readonly ConformanceCase[] = [
  ...DEADLINES.map(
    (name): ConformanceCase => ({
      id: `deadlines/past-on-receipt/${name}`,
      requirement: "required",
      contract: "A lease or deadline that is past on receipt fails the task as a timeout; the handler is not run.",
      // Were the handler run, the answer would take longer.
      request: task("conformance.sleep", [MUCH_LATER_MS], (now) => deadline(name, timestampAt(now, -60_000))),
      expect: { ...EXCEEDED, detailsName: name, withinMs: MUCH_LATER_MS / 2 },
    }),
  ),
  {
    id: "deadlines/past-on-receipt/long-ago",
    requirement: "required",
    contract: "A deadline may be past by any time.",
    request: task("conformance.echo", [1], deadline("deadlines.start_to_close", "1970-01-01T00:00:00Z")),
    expect: { ...EXCEEDED, detailsName: "deadlines.start_to_close" },
  },
  {
    id: "deadlines/details-tagged",
    requirement: "required",
    contract: "Details of a failure are null, or a payload tagged with its codec: engines drop untagged ones.",
    request: task("conformance.echo", [1], (now) => deadline("deadlines.start_to_close", timestampAt(now, -60_000))),
    expect: { ...EXCEEDED, detailsTagged: true },
  },
  ...WHILE_RUNNING.map(
    (name): ConformanceCase => ({
      id: `deadlines/finished-after/${name}`,
      requirement: "required",
      contract: "What a handler returns after a deadline is dropped: the task fails as a timeout.",
      request: task("conformance.sleep", [AFTER_SOON_MS], (now) => deadline(name, timestampAt(now, SOON_MS))),
      expect: { ...EXCEEDED_WHILE_RUNNING, detailsName: name },
      takesMs: AFTER_SOON_MS,
    }),
  ),
  {
    id: "deadlines/still-running",
    requirement: "recommended",
    contract: "A task whose handler is still running at a deadline is answered then, not when the handler is done.",
    request: task("conformance.sleep", [MUCH_LATER_MS], (now) =>
      deadline("deadlines.start_to_close", timestampAt(now, SOON_MS)),
    ),
    expect: { ...EXCEEDED_WHILE_RUNNING, detailsName: "deadlines.start_to_close", withinMs: SOON_MS + 3000 },
    takesMs: SOON_MS,
  },
  {
    id: "deadlines/schedule-to-start-after-start",
    requirement: "required",
    contract: "`schedule_to_start` bounds the start only: it does not count once the handler runs.",
    request: task("conformance.sleep", [AFTER_SOON_MS], (now) =>
      deadline("deadlines.schedule_to_start", timestampAt(now, SOON_MS)),
    ),
    expect: { outcome: "success", value: AFTER_SOON_MS },
    takesMs: AFTER_SOON_MS,
  },
  {
    id: "deadlines/all-ahead",
    requirement: "required",
    contract: "Deadlines that are ahead do not keep a handler from running.",
    request: task("conformance.echo", ["in time"], (now) => ({
      lease: { expires_at: timestampAt(now, 60_000) },
      deadlines: {
        schedule_to_start: timestampAt(now, 60_000),
        start_to_close: timestampAt(now, 60_000),
        schedule_to_close: timestampAt(now, 60_000),
        heartbeat: timestampAt(now, 60_000),
      },
    })),
    expect: { outcome: "success", value: "in time" },
  },
  {
    id: "deadlines/far-ahead",
    requirement: "required",
    contract: "A deadline may be further ahead than a timer can count.",
    request: task("conformance.sleep", [20], deadline("deadlines.schedule_to_close", "9999-12-31T23:59:59.999999Z")),
    expect: { outcome: "success", value: 20 },
  },

  {
    id: "lease/renewed-by-caller",
    requirement: "recommended",
    contract:
      "Where the caller renews the lease (`lease.renewed_by`), lease and heartbeat do not end a running handler.",
    request: task("conformance.sleep", [AFTER_SOON_MS], (now) => ({
      lease: { expires_at: timestampAt(now, SOON_MS), renewed_by: "dispatcher" },
      deadlines: { heartbeat: timestampAt(now, SOON_MS) },
    })),
    expect: { outcome: "success", value: AFTER_SOON_MS },
    takesMs: AFTER_SOON_MS,
  },
  {
    id: "lease/renewed-by-caller-yet-late",
    requirement: "recommended",
    contract: "`start_to_close` ends a running handler, whoever renews the lease.",
    request: task("conformance.sleep", [AFTER_SOON_MS], (now) => ({
      lease: { expires_at: timestampAt(now, SOON_MS), renewed_by: "dispatcher" },
      deadlines: { start_to_close: timestampAt(now, SOON_MS) },
    })),
    expect: { ...EXCEEDED_WHILE_RUNNING, detailsName: "deadlines.start_to_close" },
    takesMs: AFTER_SOON_MS,
  },
  ...(["lease.expires_at", "deadlines.heartbeat"] as const).map(
    (name): ConformanceCase => ({
      id: `lease/renewed-by-caller-past-on-receipt/${name}`,
      requirement: "recommended",
      contract:
        "Where the caller renews the lease, lease and heartbeat do not count on receipt: the clocks may differ.",
      request: task("conformance.echo", [1], (now) => {
        const past = timestampAt(now, -60_000);
        return name === "lease.expires_at"
          ? { lease: { expires_at: past, renewed_by: "dispatcher" } }
          : { lease: { renewed_by: "dispatcher" }, deadlines: { heartbeat: past } };
      }),
      expect: { outcome: "success", value: 1 },
    }),
  ),
  ...[-600_000, 600_000].map(
    (offset): ConformanceCase => ({
      id: `lease/sent-at/${offset < 0 ? "clock-ahead" : "clock-behind"}`,
      requirement: "recommended",
      contract: "Where the caller says when it sent the task (`lease.sent_at`), the carrier's clock may be off.",
      request: task("conformance.echo", [1], (now) => ({
        lease: { expires_at: timestampAt(now, offset + 60_000), sent_at: timestampAt(now, offset) },
        deadlines: { start_to_close: timestampAt(now, offset + 30_000) },
      })),
      expect: { outcome: "success", value: 1 },
    }),
  ),

  ...variants(NO_TIMESTAMPS, ({ value }) => ({
    requirement: "required",
    contract: "A deadline that is no RFC 3339 timestamp is a decode failure that names it.",
    request: task("conformance.echo", [1], deadline("deadlines.schedule_to_close", value)),
    expect: { ...UNREADABLE, detailsName: "deadlines.schedule_to_close" },
  })),
  {
    id: "deadlines/unreadable-lease",
    requirement: "required",
    contract: "A lease whose end is no RFC 3339 timestamp is a decode failure that names it.",
    request: task("conformance.echo", [1], deadline("lease.expires_at", "soon")),
    expect: { ...UNREADABLE, detailsName: "lease.expires_at" },
  },

  ...variants(
    [
      { id: "timestamps/without-zone", offsetMs: 1_800_000, write: (utc: string) => utc.replace("Z", "") },
      { id: "timestamps/lower-case", offsetMs: 60_000, write: (utc: string) => utc.toLowerCase() },
      { id: "timestamps/without-fraction", offsetMs: 60_000, write: (utc: string) => utc.replace(/\.\d+/, "") },
      { id: "timestamps/nanoseconds", offsetMs: 60_000, write: (utc: string) => utc.replace("Z", "789Z") },
      // 60 seconds ahead, written with the clock of a place twelve hours behind.
      { id: "timestamps/offset", offsetMs: 60_000 - 43_200_000, write: (utc: string) => utc.replace("Z", "-12:00") },
    ],
    ({ offsetMs, write }) => ({
      requirement: "required",
      contract: "Timestamps are RFC 3339: offsets count, letters may be lower case, without zone they are UTC.",
      request: task("conformance.echo", [1], (now) =>
        deadline("deadlines.start_to_close", write(timestampAt(now, offsetMs))),
      ),
      expect: { outcome: "success", value: 1 },
    }),
  ),
  {
    id: "timestamps/offset-of-past",
    requirement: "required",
    contract: "Offsets count: a local time that looks ahead may be past.",
    request: task("conformance.echo", [1], (now) =>
      deadline("deadlines.start_to_close", timestampAt(now, 43_200_000 - 60_000).replace("Z", "+12:00")),
    ),
    expect: { ...EXCEEDED, detailsName: "deadlines.start_to_close" },
  },
];

/** The task's one deadline, by the contract's name for it. */
function deadline(name: DeadlineField, timestamp: string): Pick<ActivityTaskOptions, "lease" | "deadlines"> {
  return name === "lease.expires_at"
    ? { lease: { expires_at: timestamp } }
    : { deadlines: { [name.replace("deadlines.", "")]: timestamp } };
}
