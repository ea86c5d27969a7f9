import { type ActivityDefinition, isActivityDefinition } from "../activity/definition/define-activity.js";
import type { ActivityHandler } from "../activity/definition/registry.js";
import type { HandleOptions, InvocableHandler } from "../activity/invocable-handler.js";
import { type InvocableHandlers, InvocableHttpEndpoint } from "../http/endpoint.js";
import { HTTP_OPTION_NAMES, type InvocableHttpOptions } from "../http/endpoint-options.js";
import type { AvroValue } from "../payload/value.js";
import { EXTERNAL_TASK_INPUT_MEDIA_TYPE, EXTERNAL_TASK_RESULT_MEDIA_TYPE } from "../protocol/constants.js";
import { knownOptions, type OptionNames } from "../protocol/options.js";
import { recordableText } from "../protocol/recordable-text.js";
import { type ExternalTaskResult, parseExternalTaskResult } from "../protocol/task-result.js";
import type { ActivitiesOf, ActivityArguments, ActivityResult } from "./activity-types.js";
import { buildTaskInput, type TaskInputOptions } from "./build-task-input.js";
import { valueOf } from "./task-result.js";

/** Options of `carrierClient`. */
export interface CarrierClientOptions extends InvocableHttpOptions {
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string;
  /** Headers of every request, by lower-case name. */
  readonly headers?: Readonly<Record<string, string>>;
}

const OPTION_NAMES: OptionNames<CarrierClientOptions> = {
  ...HTTP_OPTION_NAMES,
  token: true,
  headers: true,
};

/** What a carrier answered over HTTP. */
export interface CarrierAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The carrier answered, but not with a task's result: a refused request, or no carrier at all. */
export class CarrierRequestFailed extends Error {
  override readonly name = "CarrierRequestFailed";
  readonly answer: CarrierAnswer;

  constructor(answer: CarrierAnswer) {
    super(`the carrier answered ${answer.status}: ${recordableText(answer.body, 500)}`);
    this.answer = answer;
  }
}

type TaskOptions = Omit<TaskInputOptions, "activityType" | "args">;
/** No arguments need not be given. */
type CallParameters<Activity> = Activity extends ActivityHandler
  ? [] extends ActivityArguments<Activity>
    ? [args?: ActivityArguments<Activity>, task?: TaskOptions, options?: HandleOptions]
    : [args: ActivityArguments<Activity>, task?: TaskOptions, options?: HandleOptions]
  : never;
type CallResult<Activity> = Activity extends ActivityHandler ? ActivityResult<Activity> : never;

/**
 * Sends tasks to a carrier, as an engine's dispatcher does. Made by {@link carrierClient}, which knows the activities of
 * handlers that it is made of.
 */
export interface CarrierClient<Activities = object> {
  /**
   * Sends a task for an activity and gives its value, decoded.
   *
   * @param activity its definition, which must have a name, or its type: a function does not know which it runs under
   * @param task what the engine says of the task: attempt, ids, deadlines, headers
   * @param options `signal` goes away with the caller; `remainingMs` is for handlers in this process only
   * @throws {TypeError} (as a rejection) for a definition without a name
   * @throws {ActivityTaskFailed} (as a rejection) when the activity failed
   * @throws {CarrierRequestFailed} (as a rejection) when there was no result
   */
  call<Activity extends ActivityDefinition>(
    activity: Activity,
    args: ActivityArguments<Activity>,
    task?: TaskOptions,
    options?: HandleOptions,
  ): Promise<ActivityResult<Activity>>;
  call<Type extends keyof Activities & string>(
    activityType: Type,
    ...parameters: CallParameters<Activities[Type]>
  ): Promise<CallResult<Activities[Type]>>;
  /** A type that is not among those that the compiler knows. */
  call<Type extends string>(
    activityType: Type extends keyof Activities ? never : Type,
    args?: readonly unknown[],
    task?: TaskOptions,
    options?: HandleOptions,
  ): Promise<AvroValue>;
  /** Sends an envelope and reads the result. @throws {CarrierRequestFailed} (as a rejection) when there was none */
  send(envelope: unknown, options?: HandleOptions): Promise<ExternalTaskResult>;
  /** Sends any document, or any text as it is, and gives the answer as it came. */
  post(body: unknown, options?: HandleOptions): Promise<CarrierAnswer>;
}

/**
 * A client of a carrier: of handlers in this process, through the production HTTP seam but without a socket, or of a
 * carrier at a URL.
 *
 * ```ts
 * const client = carrierClient({ greet: (name: string) => `Hello, ${name}` });
 * assert.equal(await client.call("greet", ["Ada"]), "Hello, Ada");
 * ```
 *
 * It neither retries nor leases anything, and its requests have no timeout but `options.signal`'s.
 *
 * @param target handlers, a ready-made handler, or a URL of http or https
 * @param options `token` and `headers`; for handlers those of a carrier too
 * @throws {TypeError} for bad handlers, options or URLs, and for options of a carrier that is behind a URL
 */
export function carrierClient(target: InvocableHandler | string | URL, options?: CarrierClientOptions): CarrierClient;
export function carrierClient<Handlers extends object>(
  target: InvocableHandlers<Handlers>,
  options?: CarrierClientOptions,
): CarrierClient<ActivitiesOf<Handlers>>;
export function carrierClient(target: InvocableHandlers | string | URL, options?: CarrierClientOptions): CarrierClient {
  const { token, headers: extra, ...carrierOptions } = knownOptions(options, OPTION_NAMES, "carrierClient");
  const headers = {
    "content-type": EXTERNAL_TASK_INPUT_MEDIA_TYPE,
    accept: EXTERNAL_TASK_RESULT_MEDIA_TYPE,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...extra,
  };
  const exchange = isAddress(target) ? overHttp(target, carrierOptions) : inMemory(target, carrierOptions);

  const post = (body: unknown, handleOptions: HandleOptions = {}): Promise<CarrierAnswer> =>
    exchange(typeof body === "string" ? body : JSON.stringify(body), headers, handleOptions);

  async function send(envelope: unknown, handleOptions?: HandleOptions): Promise<ExternalTaskResult> {
    const answer = await post(envelope, handleOptions);
    if (answer.status !== 200) throw new CarrierRequestFailed(answer);
    try {
      return parseExternalTaskResult(JSON.parse(answer.body));
    } catch {
      throw new CarrierRequestFailed(answer);
    }
  }

  async function call(
    activity: ActivityDefinition | string,
    args: readonly unknown[] = [],
    task: Omit<TaskInputOptions, "activityType" | "args"> = {},
    handleOptions?: HandleOptions,
  ): Promise<AvroValue> {
    return valueOf(await send(buildTaskInput({ ...task, activityType: typeOf(activity), args }), handleOptions));
  }

  return { call, send, post };
}

type Exchange = (
  body: string,
  headers: Readonly<Record<string, string>>,
  options: HandleOptions,
) => Promise<CarrierAnswer>;

function isAddress(target: unknown): target is string | URL {
  return typeof target === "string" || target instanceof URL;
}

function inMemory(handlers: InvocableHandlers, options: InvocableHttpOptions): Exchange {
  const endpoint = new InvocableHttpEndpoint(handlers, options);
  return async (body, headers, { signal, remainingMs }) => {
    const bytes = new TextEncoder().encode(body);
    const read = (limitBytes: number) => Promise.resolve(bytes.length > limitBytes ? undefined : bytes);
    const response = await endpoint.handle({ method: "POST", headers, body: read, signal, remainingMs });
    return { status: response.statusCode, headers: response.headers, body: response.body };
  };
}

function overHttp(target: string | URL, idle: InvocableHttpOptions): Exchange {
  const url = new URL(target);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`the URL of a carrier must be of http or https, got ${url.protocol}`);
  }
  const names = Object.entries(idle).filter(([, value]) => value !== undefined);
  if (names.length > 0) {
    const listed = names.map(([name]) => name).join(", ");
    throw new TypeError(`a client of a URL takes token and headers only: give ${listed} to the carrier that serves it`);
  }
  return async (body, headers, { signal }) => {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      ...(signal instanceof AbortSignal ? { signal } : {}),
    });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    };
  };
}

function typeOf(activity: ActivityDefinition | string): string {
  if (typeof activity === "string") return activity;
  if (isActivityDefinition(activity) && activity.name !== undefined) return activity.name;
  throw new TypeError("client.call needs an activity's type, or a definition that has a name");
}
