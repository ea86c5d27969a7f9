import type { StartDefaults } from "@durable-workflow/carrier/contract";
import { checkOptionNames, LONGEST_NAME, type OptionNames } from "@durable-workflow/engine-protocol";
import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import type { ActivityLike, StartOptions } from "../client-types.js";

/** Where activities go that name no queue: the engine's own default, said all the same. */
const DEFAULT_QUEUE = "default";
const ACTIVITY_ID = /^[a-zA-Z0-9._:-]{1,128}$/;

const DEFAULT_NAMES: OptionNames<StartDefaults> = {
  taskQueue: true,
  retry: true,
  startToCloseSeconds: true,
  scheduleToStartSeconds: true,
  scheduleToCloseSeconds: true,
  heartbeatSeconds: true,
};
const RETRY_NAMES: OptionNames<NonNullable<StartDefaults["retry"]>> = {
  maxAttempts: true,
  backoffSeconds: true,
  nonRetryableErrorTypes: true,
};

/** @throws {TypeError} for names that are not known */
export function checkDefaults(what: string, defaults: StartDefaults): void {
  checkOptionNames(what, defaults, DEFAULT_NAMES);
}

const START_NAMES: OptionNames<StartOptions> = {
  ...DEFAULT_NAMES,
  id: true,
  businessKey: true,
  signal: true,
  onRunning: true,
  onClosed: true,
};

/** @throws {TypeError} for names that are not known, and choices that there are not */
export function checkStartOptions(options: StartOptions, more: Readonly<Record<string, true>> = {}): void {
  checkOptionNames("start", options, { ...START_NAMES, ...more });
  oneOf("onRunning", options.onRunning, ["error", "attach"]);
  oneOf("onClosed", options.onClosed, ["restart", "attach"]);
}

/** @throws {TypeError} for an activity without a name */
export function nameOf(activity: ActivityLike): string {
  const name: unknown = typeof activity === "string" ? activity : (activity as { name?: unknown } | null)?.name;
  if (typeof name === "string" && name.trim() !== "" && name.length <= LONGEST_NAME) return name;
  throw new TypeError(
    `activity must be a contract, a definition with a name of its own, or a name of at most ${LONGEST_NAME} characters`,
  );
}

/** @throws {TypeError} for an id that no activity can have: URLs take `.` and `..` for folders */
export function checkId(id: unknown): string {
  if (typeof id === "string" && ACTIVITY_ID.test(id) && id !== "." && id !== "..") return id;
  throw new TypeError("id must be 1 to 128 letters, digits and . _ : -, and not . or .. alone");
}

/**
 * The request, but for its arguments. The first that names a setting counts.
 *
 * @throws {TypeError} that names the option for values that the engine would refuse
 */
export function startRequest(
  activityType: string,
  id: string,
  options: StartOptions,
  ...defaults: readonly (StartDefaults | undefined)[]
): StartRequest {
  const settled = <Name extends keyof StartDefaults>(name: Name): StartDefaults[Name] =>
    [options, ...defaults].find((from) => from?.[name] !== undefined)?.[name];
  const seconds = (name: Exclude<keyof StartDefaults, "taskQueue" | "retry">): number | undefined =>
    integer(name, settled(name), 1);
  const policy = retryPolicy(settled("retry"));
  return dropUndefined({
    activity_type: activityType,
    activity_id: id,
    task_queue: text("taskQueue", settled("taskQueue")) ?? DEFAULT_QUEUE,
    business_key: text("businessKey", options.businessKey),
    retry_policy: policy,
    start_to_close_timeout_seconds: seconds("startToCloseSeconds"),
    schedule_to_start_timeout_seconds: seconds("scheduleToStartSeconds"),
    schedule_to_close_timeout_seconds: seconds("scheduleToCloseSeconds"),
    heartbeat_timeout_seconds: seconds("heartbeatSeconds"),
  }) as StartRequest;
}

function retryPolicy(retry: StartDefaults["retry"]): StartRequest["retry_policy"] {
  if (retry === undefined) return undefined;
  checkOptionNames("retry", retry, RETRY_NAMES);
  const { maxAttempts, backoffSeconds, nonRetryableErrorTypes: types } = retry;
  const max = integer("retry.maxAttempts", maxAttempts, 1);
  if (max === undefined) throw new TypeError("retry.maxAttempts must be an integer >= 1");
  if (types !== undefined && !(Array.isArray(types) && types.every((type) => typeof type === "string"))) {
    throw new TypeError("retry.nonRetryableErrorTypes must be a list of names of errors");
  }
  if (backoffSeconds !== undefined && !Array.isArray(backoffSeconds)) {
    throw new TypeError("retry.backoffSeconds must be a list of integers >= 0");
  }
  backoffSeconds?.forEach((pause, index) => integer(`retry.backoffSeconds[${index}]`, pause, 0));
  return dropUndefined({
    max_attempts: max,
    backoff_seconds: backoffSeconds,
    non_retryable_error_types: types,
  });
}

function integer(name: string, value: unknown, least: number): number | undefined {
  if (value === undefined || (typeof value === "number" && Number.isSafeInteger(value) && value >= least)) return value;
  throw new TypeError(`${name} must be an integer >= ${least}: the wire has whole numbers`);
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && value !== "" && value.length <= LONGEST_NAME) return value;
  throw new TypeError(`${name} must be a text of 1 to ${LONGEST_NAME} characters`);
}

function oneOf(name: string, value: unknown, allowed: readonly string[]): void {
  if (value === undefined || (allowed as readonly unknown[]).includes(value)) return;
  throw new TypeError(`${name} must be ${allowed.map((one) => JSON.stringify(one)).join(" or ")}`);
}

function dropUndefined(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
