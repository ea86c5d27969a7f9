import type { StartDefaults } from "@durable-workflow/carrier/contract";
import { LONGEST_NAME } from "@durable-workflow/engine-protocol";
import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import { WAIT } from "../call-options.js";
import { check, integer, must, oneOf, type Rule, type Rules } from "../check.js";
import type { ActivityLike, ExecuteOptions, StartOptions } from "../client-types.js";

/** Where activities go that name no queue: the engine's own default, said all the same. */
const DEFAULT_QUEUE = "default";

/** In whole seconds, as the wire has them: the option, and its field. */
const SECONDS = {
  startToCloseSeconds: "start_to_close_timeout_seconds",
  scheduleToStartSeconds: "schedule_to_start_timeout_seconds",
  scheduleToCloseSeconds: "schedule_to_close_timeout_seconds",
  heartbeatSeconds: "heartbeat_timeout_seconds",
} as const satisfies Partial<Record<keyof StartDefaults, keyof StartRequest>>;

const isText = (value: unknown): boolean => typeof value === "string" && value !== "" && value.length <= LONGEST_NAME;
const TEXT: Rule = [isText, `a text of 1 to ${LONGEST_NAME} characters`];
const POSITIVE = integer(1);
const LIST: Rule = [Array.isArray, "a list of integers >= 0"];
const NAMES: Rule = [
  (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
  "a list of names",
];
/** What the id of an activity must be: asked, and in words. URLs take `.` and `..` for folders. */
export const ID: Rule = [
  (value) => typeof value === "string" && /^(?!\.{1,2}$)[a-zA-Z0-9._:-]{1,128}$/.test(value),
  "1 to 128 letters, digits and . _ : -, not . or ..",
];
const NAME: Rule = [
  (value) => isText(value) && (value as string).trim() !== "",
  `a contract, a definition with a name, or a name of at most ${LONGEST_NAME} characters`,
];

const DEFAULTS: Rules<StartDefaults> = {
  taskQueue: TEXT,
  retry: true,
  startToCloseSeconds: POSITIVE,
  scheduleToStartSeconds: POSITIVE,
  scheduleToCloseSeconds: POSITIVE,
  heartbeatSeconds: POSITIVE,
};
export const START: Rules<StartOptions> = {
  ...DEFAULTS,
  id: ID,
  businessKey: TEXT,
  signal: true,
  onRunning: oneOf("error", "attach"),
  onClosed: oneOf("restart", "attach"),
};
export const EXECUTE: Rules<ExecuteOptions> = { ...START, ...WAIT, cancelOnAbort: oneOf(true, false) };
const RETRY: Rules<NonNullable<StartDefaults["retry"]>> = {
  maxAttempts: POSITIVE,
  backoffSeconds: LIST,
  nonRetryableErrorTypes: NAMES,
};

/** @throws {TypeError} that names the option which the engine would refuse, or does not know */
export function checkDefaults(
  defaults: StartDefaults,
  what = "defaults",
  rules: Rules<StartDefaults> = DEFAULTS,
): void {
  check(what, defaults, rules);
  const { retry } = defaults;
  if (retry === undefined) return;
  check("retry", retry, RETRY, "retry.");
  must("retry.maxAttempts", retry.maxAttempts, POSITIVE);
  retry.backoffSeconds?.forEach((pause, index) => must(`retry.backoffSeconds[${index}]`, pause, integer(0)));
}

/** @throws {TypeError} for an activity without a name */
export function nameOf(activity: ActivityLike): string {
  const name = typeof activity === "string" ? activity : (activity as { name?: string } | null)?.name;
  must("activity", name, NAME);
  return name as string;
}

/** @throws {TypeError} for an id that no activity can have */
export function checkId(id: string): string {
  must("id", id, ID);
  return id;
}

/** The request, but for its arguments. The first that names a setting counts; all are checked before. */
export function startRequest(
  activityType: string,
  id: string,
  { businessKey }: StartOptions,
  settings: readonly (StartDefaults | undefined)[],
): StartRequest {
  const settled = <Name extends keyof StartDefaults>(name: Name): StartDefaults[Name] =>
    settings.find((from) => from?.[name] !== undefined)?.[name];
  const retry = settled("retry");
  // JSON leaves out what is undefined.
  const request: Record<string, unknown> = {
    activity_type: activityType,
    activity_id: id,
    task_queue: settled("taskQueue") ?? DEFAULT_QUEUE,
    business_key: businessKey,
    retry_policy: retry && {
      max_attempts: retry.maxAttempts,
      backoff_seconds: retry.backoffSeconds,
      non_retryable_error_types: retry.nonRetryableErrorTypes,
    },
  };
  for (const [name, field] of Object.entries(SECONDS)) request[field] = settled(name as keyof typeof SECONDS);
  return request as unknown as StartRequest;
}
